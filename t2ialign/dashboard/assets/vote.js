// Quick votes in the large view: a thumb for one picture, or this one rather than the others of the same seed.
const voter = (() => {
  try {
    const known = localStorage.getItem('t2ialign-voter') ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
    localStorage.setItem('t2ialign-voter', known);
    return known;
  } catch { return crypto.getRandomValues(new Uint32Array(4)).join('-'); } // a private window: for this page alone
})();
const said = new Map(); // the pictures' addresses and what was said of each
const voting = (label, text, answer, tile) => {
  const button = make('button', 't2-vote', text);
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-pressed', String(said.get(tile.dataset.large) === answer));
  button.addEventListener('click', () => {
    const others = [...element.querySelectorAll(`.t2-tile.ready[data-seed="${tile.dataset.seed}"]`)].filter((one) => one !== tile);
    said.set(tile.dataset.large, answer);
    if (answer === 'rather') for (const other of others) said.delete(other.dataset.large);
    trigger('vote', { voter, answer, picture: tile.dataset.large, others: others.map((one) => one.dataset.large) });
    show(seed);
  });
  return button;
};
extras.push((tile) => {
  const row = make('div', 't2-votes');
  row.append(voting('I like this picture', '\u{1F44D}\uFE0E', 'up', tile), voting('I do not like this picture', '\u{1F44E}\uFE0E', 'down', tile));
  const count = element.querySelectorAll(`.t2-tile.ready[data-seed="${tile.dataset.seed}"]`).length;
  if (count > 1) row.append(voting(count > 2 ? 'This one rather than the others' : 'This one rather than the other', 'This one', 'rather', tile));
  return row;
});
