
// Any two pictures: the first is kept by its button in the large view, the second is then compared with it.
const twoDialog = make('dialog', 't2-large t2-duo');
const twoBar = make('div', 't2-large-bar');
const twoNames = make('p', 't2-duo-names');
const twoFrame = make('div', 't2-duo-frame');
const first = Object.assign(new Image(), { alt: '', draggable: false });
const second = Object.assign(new Image(), { alt: '', draggable: false });
const slide = Object.assign(make('input', 't2-duo-slide'), { type: 'range', min: 0, max: 100, value: 50 });
slide.setAttribute('aria-label', 'How much of each picture is shown');
const hold = make('button', 't2-act', 'Hold to see the other');
hold.type = 'button';
const same = make('p', 't2-duo-words', 'Black where the two are the same; differences are shown three times as strong.');
const twoModes = { Slider: slide, Flip: hold, Difference: same };
const twoButtons = Object.keys(twoModes).map((name) => {
  const button = make('button', 't2-act', name);
  button.type = 'button';
  button.addEventListener('click', () => twoMode(name));
  return button;
});
const twoClose = make('button', 't2-close', '\u00d7');
twoClose.type = 'button';
twoClose.setAttribute('aria-label', 'Close');
twoClose.addEventListener('click', () => twoDialog.close());
twoBar.append(...twoButtons, twoClose);
twoFrame.append(first, second);
twoDialog.append(twoBar, twoFrame, slide, hold, same, twoNames);
document.body.appendChild(twoDialog);
let flipping = false;
const cut = () => { second.style.clipPath = flipping || twoDialog.dataset.mode !== 'Slider' ? 'none' : `inset(0 0 0 ${slide.value}%)`; };
function twoMode(name) {
  twoDialog.dataset.mode = name;
  twoButtons.forEach((button) => button.setAttribute('aria-pressed', String(button.textContent === name)));
  for (const [mode, control] of Object.entries(twoModes)) control.hidden = mode !== name;
  flip(false);
}
function flip(on) {
  flipping = on;
  twoDialog.classList.toggle('flipped', on);
  cut();
}
slide.addEventListener('input', cut);
for (const held of [hold, twoFrame]) {
  held.addEventListener('pointerdown', (event) => {
    if (twoDialog.dataset.mode === 'Flip') flip(true);
    if (twoDialog.dataset.mode === 'Slider' && held === twoFrame) wipe(event);
  });
}
const wipe = (event) => {
  const box = twoFrame.getBoundingClientRect();
  slide.value = Math.min(Math.max((100 * (event.clientX - box.left)) / box.width, 0), 100);
  cut();
};
twoFrame.addEventListener('pointermove', (event) => { if (event.buttons && twoDialog.dataset.mode === 'Slider') wipe(event); });
for (const end of ['pointerup', 'pointercancel', 'blur']) addEventListener(end, () => { if (flipping) flip(false); });
twoDialog.addEventListener('keydown', (event) => {
  if (twoDialog.dataset.mode === 'Flip' && event.key === ' ') { event.preventDefault(); flip(true); }
});
twoDialog.addEventListener('keyup', (event) => { if (event.key === ' ') { if (flipping) event.preventDefault(); flip(false); } });
twoDialog.addEventListener('click', (event) => { if (event.target === twoDialog) twoDialog.close(); });

const labelled = (tile) => ({
  large: tile.dataset.large,
  name: `${tile.closest('.t2-group').dataset.name}, seed ${tile.dataset.seed}`,
  hard: tile.closest('.t2-group').classList.contains('hard'),
});
const together = (one, other) => {
  first.src = one.large;
  second.src = other.large;
  twoDialog.classList.toggle('hard', one.hard || other.hard);
  twoNames.replaceChildren(make('span', '', one.name), make('span', '', other.name));
  twoMode(twoDialog.dataset.mode || 'Slider');
  twoDialog.showModal();
};
extras.push((tile, acts) => {
  const mine = labelled(tile);
  const kept = window.t2Kept; // shared by all pages, so that a picture of the grid can be held against one of Explore
  const keep = make('button', 't2-act', kept?.large === mine.large ? 'Kept: open another' : 'Compare …');
  keep.type = 'button';
  keep.setAttribute('aria-pressed', String(kept?.large === mine.large));
  keep.addEventListener('click', () => { window.t2Kept = kept?.large === mine.large ? null : mine; show(at()); });
  keep.title = 'Keep this picture, then open another one and compare the two';
  acts.append(keep);
  if (kept && kept.large !== mine.large) {
    const compare = make('button', 't2-act', 'Compare with the kept');
    compare.type = 'button';
    compare.title = kept.name;
    compare.addEventListener('click', () => together(window.t2Kept, mine));
    acts.append(compare);
  }
  return null;
});
