const make = (tag, name, text = '') => Object.assign(document.createElement(tag), { className: name, textContent: text });
const dialog = make('dialog', 't2-large');
dialog.tabIndex = -1;
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
let current = ''; // the address of the picture that is large
let mapped = false;
const extras = []; // what others add below a large picture
const speak = make('button', 't2-speak', 'Where the prompt speaks');
speak.type = 'button';
speak.title = 'Mutual information of prompt and picture, by place: how much the prompt changed what the model drew there';
speak.addEventListener('click', () => { mapped = !mapped; show(at()); });
bar.insertBefore(speak, close);
const legend = make('p', 't2-legend', 'Pink: where the prompt changed most what the model drew; mutual information says how much in all.');
dialog.append(legend);

// Which pictures stand beside a large one, and which comes next: others may say it otherwise.
let beside = (tile) => [...element.querySelectorAll(`.t2-tile.ready[data-seed="${tile.dataset.seed}"]`)];
let move = (by) => {
  const tiles = [...element.querySelectorAll('.t2-tile.ready')];
  const seeds = [...new Set(tiles.map((tile) => tile.dataset.seed))];
  const next = seeds[(seeds.indexOf(seed) + by + seeds.length) % seeds.length];
  show(tiles.find((tile) => tile.dataset.seed === next));
};
const at = () => element.querySelector(`.t2-tile.ready[data-large="${current}"]`); // tiles are drawn anew while it is open

function figure(tile) {
  const group = tile.closest('.t2-group');
  const drawn = make('figure', group.classList.contains('hard') ? 'hard' : '');
  const picture = Object.assign(new Image(), { src: tile.dataset.large, alt: tile.getAttribute('aria-label'), draggable: false });
  const caption = make('figcaption', '');
  const name = make('span', 't2-who', group.dataset.name);
  name.style.cssText = group.style.cssText;
  const scores = tile.querySelector('.t2-more').cloneNode(true);
  scores.className = 't2-scores';
  scores.hidden = false;
  caption.append(name);
  const inner = make('div', 't2-inner');
  inner.append(picture);
  const frame = make('div', 't2-frame');
  frame.title = 'Click to zoom, or press + and -';
  frame.append(inner);
  frame.addEventListener('scroll', () => follow(frame));
  if (mapped) lay(inner, caption, tile.dataset.large);
  const acts = taking(tile.dataset.large);
  drawn.append(frame, caption, acts, ...extras.map((add) => add(tile, acts)).filter(Boolean), scores);
  return drawn;
}

// What made the pictures: what is common to all of them stands once below, what differs under its picture.
const known = new Map();
const about = (large) => {
  if (!known.has(large)) known.set(large, fetch(large.replace('.webp', '.json')).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null));
  return known.get(large);
};
const list = (rows) => {
  const drawn = make('dl', 't2-made');
  for (const [name, value] of rows) {
    const row = make('div', name === 'Prompt' || name === 'Negative prompt' ? 'wide' : '');
    row.append(make('dt', '', name), make('dd', '', value));
    drawn.append(row);
  }
  return drawn;
};
const common = make('div', 't2-common');
dialog.insertBefore(common, figures);
async function describe(tiles) {
  const wanted = current;
  const told = await Promise.all(tiles.map((tile) => about(tile.dataset.large)));
  if (current !== wanted) return;
  if (!told.every(Boolean)) return common.replaceChildren();
  const shared = told[0].rows.filter(([name, value]) => told.every((one) => one.rows.some((row) => row[0] === name && row[1] === value)));
  const names = new Set(shared.map(([name]) => name));
  common.replaceChildren(list(shared));
  [...figures.children].forEach((drawn, place) => {
    const own = told[place].rows.filter(([name]) => !names.has(name) && name !== 'Checkpoint');
    drawn.querySelector('.t2-made')?.remove();
    if (own.length) drawn.querySelector('figcaption').append(list(own));
  });
}
function taking(large) {
  const row = make('div', 't2-taking');
  const copy = make('button', 't2-act', 'Copy settings');
  copy.type = 'button';
  copy.addEventListener('click', async () => {
    const told = await about(large);
    if (!told) return;
    try { await navigator.clipboard.writeText(told.parameters); } catch {
      const box = Object.assign(make('textarea', ''), { value: told.parameters }); // without https there is no clipboard
      dialog.append(box);
      box.select();
      document.execCommand('copy');
      box.remove();
    }
    copy.textContent = 'Copied';
    setTimeout(() => { copy.textContent = 'Copy settings'; }, 1500);
  });
  const save = make('a', 't2-act', 'Download PNG');
  save.href = large.replace('.webp', '.png');
  save.download = '';
  save.title = 'The picture with its settings and scores in it';
  row.append(copy, save);
  return row;
}

// Zoom: a click, + and -. All pictures show the same part; it is dragged or scrolled.
const LEVELS = [1, 2, 4];
let zoom = 1;
let dragged = null;
const frames = () => [...figures.querySelectorAll('.t2-frame')];
function enlarge(to, frame, x = 0.5, y = 0.5) {
  zoom = to;
  figures.style.setProperty('--zoom', zoom);
  figures.classList.toggle('zoomed', zoom > 1);
  for (const one of frames()) {
    one.scrollLeft = x * one.scrollWidth - one.clientWidth / 2;
    one.scrollTop = y * one.scrollHeight - one.clientHeight / 2;
  }
}
function follow(leader) {
  for (const one of frames()) {
    if (one === leader || (one.scrollLeft === leader.scrollLeft && one.scrollTop === leader.scrollTop)) continue;
    one.scrollTo(leader.scrollLeft, leader.scrollTop);
  }
}
const turn = (by) => enlarge(LEVELS[Math.min(Math.max(LEVELS.indexOf(zoom) + by, 0), LEVELS.length - 1)]);
figures.addEventListener('pointerdown', (event) => {
  const frame = event.target.closest('.t2-frame');
  if (frame) dragged = { frame, x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop, moved: false };
});
figures.addEventListener('pointermove', (event) => {
  if (!dragged || event.pointerType === 'touch') return;
  const [x, y] = [event.clientX - dragged.x, event.clientY - dragged.y];
  dragged.moved ||= Math.hypot(x, y) > 5;
  if (dragged.moved) dragged.frame.scrollTo(dragged.left - x, dragged.top - y);
});
figures.addEventListener('click', (event) => {
  const frame = event.target.closest('.t2-frame');
  const moved = dragged?.moved;
  dragged = null;
  if (!frame || moved) return;
  const box = frame.firstElementChild.getBoundingClientRect();
  const next = LEVELS[(LEVELS.indexOf(zoom) + 1) % LEVELS.length];
  enlarge(next, frame, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
});
addEventListener('pointerup', () => setTimeout(() => { dragged = null; }, 0));

function lay(frame, caption, source) {
  const map = Object.assign(new Image(), { className: 't2-map', src: `${source}?map`, alt: '' });
  map.addEventListener('error', () => {
    map.remove();
    caption.prepend(make('p', 't2-nomap', 'No map was kept of this picture; pictures generated anew have one.'));
  });
  frame.append(map);
}

function show(tile) {
  if (!tile) return;
  const tiles = beside(tile);
  seed = tile.dataset.seed;
  current = tile.dataset.large;
  title.textContent = `Seed ${seed}`;
  speak.setAttribute('aria-pressed', mapped);
  legend.hidden = !mapped;
  figures.style.setProperty('--figures', tiles.length);
  figures.replaceChildren(...tiles.map(figure));
  enlarge(1);
  describe(tiles);
  if (!dialog.open) {
    common.replaceChildren();
    dialog.showModal();
  }
  if (!dialog.contains(document.activeElement)) dialog.focus(); // the button that was pressed has been drawn anew
}

element.addEventListener('click', (event) => {
  const tile = event.target.closest('.t2-tile.ready');
  if (tile) show(tile);
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
  if (event.key === '+' || event.key === '=') turn(1);
  if (event.key === '-') turn(-1);
});
