// Quick votes in the large view: a thumb for one picture, or this one rather than the others of the same seed.
const voter = (() => {
  try {
    const known = localStorage.getItem('t2ialign-voter') ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
    localStorage.setItem('t2ialign-voter', known);
    return known;
  } catch { return crypto.getRandomValues(new Uint32Array(4)).join('-'); } // a private window: for this page alone
})();
const KEPT = 500; // votes that this browser remembers
const said = (() => { // the pictures' addresses and what was said of each
  try { return new Map(JSON.parse(localStorage.getItem('t2ialign-votes') ?? '[]')); } catch { return new Map(); }
})();
const signs = document.head.appendChild(document.createElement('style')); // on tiles that are drawn anew all the time
const remember = () => {
  const kept = [...said].slice(-KEPT);
  try { localStorage.setItem('t2ialign-votes', JSON.stringify(kept)); } catch { /* a private window */ }
  const SIGNS = { up: 'liked', down: 'disliked', rather: 'preferred' };
  signs.textContent = kept
    .map(([large, answer]) => `.t2-tile[data-large=${JSON.stringify(String(large))}] .t2-seed::after { content: " · ${SIGNS[answer] ?? ''}" }`).join(' ');
};
remember();
const thumb = (turned) => `<svg viewBox="0 0 24 24" aria-hidden="true"${turned}><path d="M3 10.5h4V21H3zM9 21h8.2a2.4 2.4 0 0 0 2.3-1.8
  l1.7-6.4a2.2 2.2 0 0 0-2.1-2.8H14l.8-4.2A2.3 2.3 0 0 0 12.5 3L9 10.5z"/></svg>`;
const voting = (label, text, answer, tile) => {
  const button = make('button', 't2-vote');
  if (answer === 'rather') button.textContent = text;
  else button.innerHTML = text;
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-pressed', String(said.get(tile.dataset.large) === answer));
  button.addEventListener('click', () => {
    const others = [...element.querySelectorAll(`.t2-tile.ready[data-seed="${tile.dataset.seed}"]`)].filter((one) => one !== tile);
    said.set(tile.dataset.large, answer);
    if (answer === 'rather') for (const other of others) said.delete(other.dataset.large);
    remember();
    trigger('vote', { voter, answer, picture: tile.dataset.large, others: others.map((one) => one.dataset.large) });
    show(at());
  });
  return button;
};
extras.push((tile) => {
  const row = make('div', 't2-votes');
  row.append(voting('I like this picture', thumb(''), 'up', tile), voting('I do not like this picture', thumb(' style="transform: rotate(180deg)"'), 'down', tile));
  const count = element.querySelectorAll(`.t2-tile.ready[data-seed="${tile.dataset.seed}"]`).length;
  if (count > 1) row.append(voting(count > 2 ? 'This one rather than the others' : 'This one rather than the other', 'This one', 'rather', tile));
  return row;
});
