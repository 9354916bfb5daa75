const make = (tag, name, text = '') => Object.assign(document.createElement(tag), { className: name, textContent: text });
const dialog = make('dialog', 't2-large');
const title = make('h3', '');
const figures = make('div', 't2-figures');
const bar = make('div', 't2-large-bar');
const step = (label, text, by) => {
  const button = make('button', 't2-step', text);
  button.type = 'button';
  button.setAttribute('aria-label', label);
  button.addEventListener('click', () => move(by));
  return button;
};
const close = make('button', 't2-close', '\u00d7');
close.type = 'button';
close.setAttribute('aria-label', 'Close');
close.addEventListener('click', () => dialog.close());
bar.append(step('Previous seed', '\u2039', -1), title, step('Next seed', '\u203a', 1), close);
dialog.append(bar, figures);
document.body.appendChild(dialog);
let seed = '';
let mapped = false;
const extras = []; // what others add below a large picture
const speak = make('button', 't2-speak', 'Where the prompt speaks');
speak.type = 'button';
speak.title = 'Mutual information of prompt and picture, by place: how much the prompt changed what the model drew there';
speak.addEventListener('click', () => { mapped = !mapped; show(seed); });
bar.insertBefore(speak, close);
const legend = make('p', 't2-legend', 'Pink: where the prompt changed most what the model drew; mutual information says how much in all.');
dialog.append(legend);

const ready = () => [...new Set([...element.querySelectorAll('.t2-tile.ready')].map((tile) => tile.dataset.seed))];
const move = (by) => {
  const seeds = ready();
  const place = seeds.indexOf(seed);
  show(seeds[(place + by + seeds.length) % seeds.length]);
};

function figure(tile) {
  const group = tile.closest('.t2-group');
  const drawn = make('figure', group.classList.contains('hard') ? 'hard' : '');
  const picture = Object.assign(new Image(), { src: tile.dataset.large, alt: tile.getAttribute('aria-label') });
  const caption = make('figcaption', '');
  const name = make('span', 't2-who', group.dataset.name);
  name.style.cssText = group.style.cssText;
  const scores = tile.querySelector('.t2-more').cloneNode(true);
  scores.className = 't2-scores';
  caption.append(name, scores);
  const frame = make('div', 't2-frame');
  frame.append(picture);
  if (mapped) lay(frame, caption, tile.dataset.large);
  drawn.append(frame, caption, ...extras.map((add) => add(tile)));
  return drawn;
}

function lay(frame, caption, source) {
  const map = Object.assign(new Image(), { className: 't2-map', src: `${source}?map`, alt: '' });
  map.addEventListener('error', () => {
    map.remove();
    caption.prepend(make('p', 't2-nomap', 'No map was kept of this picture; pictures generated anew have one.'));
  });
  frame.append(map);
}

function show(wanted) {
  const tiles = [...element.querySelectorAll(`.t2-tile.ready[data-seed="${wanted}"]`)];
  if (!tiles.length) return;
  seed = wanted;
  title.textContent = `Seed ${wanted}`;
  speak.setAttribute('aria-pressed', mapped);
  legend.hidden = !mapped;
  figures.style.setProperty('--figures', tiles.length);
  figures.replaceChildren(...tiles.map(figure));
  if (!dialog.open) dialog.showModal();
}

element.addEventListener('click', (event) => {
  const tile = event.target.closest('.t2-tile.ready');
  if (tile) show(tile.dataset.seed);
});
const mark = (event, on) => {
  const tile = event.target.closest?.('.t2-tile');
  if (!tile) return;
  const lines = tile.querySelectorAll('.t2-more > span').length;
  tile.classList.toggle('high', tile.getBoundingClientRect().bottom + 40 + 20 * lines > innerHeight);
  for (const twin of element.querySelectorAll(`.t2-tile[data-seed="${tile.dataset.seed}"]`)) {
    twin.toggleAttribute('data-twin', on && twin !== tile);
  }
};
element.addEventListener('pointerover', (event) => mark(event, true));
element.addEventListener('pointerout', (event) => mark(event, false));
dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowLeft') move(-1);
  if (event.key === 'ArrowRight') move(1);
});
