const strip = document.createElement('div');
strip.className = 't2-strip';
strip.hidden = true;
document.body.appendChild(strip);
const known = new Map();
let bound = null;
let wanted = '';
const keyOf = (event) => event.points?.[0]?.customdata?.[0] ?? '';
const hide = () => { wanted = ''; strip.hidden = true; };

async function show(event) {
  const key = keyOf(event);
  if (!key || !event.event) return;
  wanted = key;
  if (!known.has(key)) known.set(key, server.pictures(key));
  const sources = await known.get(key);
  if (wanted !== key || !sources?.length) return;
  strip.replaceChildren(...sources.map((source) => Object.assign(new Image(), { src: source, alt: '' })));
  strip.hidden = false;
  const { clientX, clientY } = event.event;
  const left = Math.min(Math.max(clientX - strip.offsetWidth / 2, 8), innerWidth - strip.offsetWidth - 8);
  const below = clientY + 56 + strip.offsetHeight < innerHeight;
  strip.style.left = `${left}px`;
  strip.style.top = `${below ? clientY + 56 : clientY - 56 - strip.offsetHeight}px`;
}

// Of a swarm of points the line under the pointer stands out with its bars, and the ringed one keeps its own.
const lineOf = (group) => group.__data__?.[0]?.trace;
const groups = (chart) => [...chart.querySelectorAll('.scatterlayer .trace')];
function sort(chart) {
  chart.classList.toggle('t2-throng', chart.layout?.meta?.swarm === true);
  const ringed = chart.data.some((line) => line.opacity < 1);
  for (const group of groups(chart)) group.classList.toggle('t2-ringed', ringed && !(lineOf(group)?.opacity < 1));
}
function single(chart, event) {
  const line = event?.points?.[0]?.curveNumber;
  chart.classList.toggle('t2-pointing', line !== undefined);
  for (const group of groups(chart)) group.classList.toggle('t2-hot', line !== undefined && lineOf(group)?.index === line);
}

// A phone's chart has other names than a page's, for names that end beyond it would make its axes longer; and its panels
// stand below each other.
const NARROW = 520, PANEL = 300, ABOVE = 70;
function fit(chart) {
  const { layout } = chart;
  const narrow = chart.offsetWidth > 0 && chart.offsetWidth < NARROW;
  const changes = {};
  (layout?.annotations ?? []).forEach((note, at) => {
    if (note.name !== 'wide' && note.name !== 'narrow') return;
    const seen = (note.name === 'narrow') === narrow;
    if ((note.visible !== false) !== seen) changes[`annotations[${at}].visible`] = seen;
  });
  const panels = layout?.meta?.panels;
  const columns = narrow ? 1 : 2;
  if (panels && layout.grid?.columns !== columns) {
    const rows = Math.ceil(panels / columns);
    Object.assign(changes, { 'grid.columns': columns, 'grid.rows': rows, height: ABOVE + PANEL * rows });
  }
  if (Object.keys(changes).length && window.Plotly) window.Plotly.relayout(chart, changes);
}

addEventListener('t2-changed', () => {
  const chart = document.querySelector('#__PLOT__ .js-plotly-plot');
  if (!chart || !chart.on || chart === bound) return;
  bound = chart;
  chart.dataset.heard = 'true';
  chart.on('plotly_click', (event) => { hide(); if (keyOf(event)) trigger('select', { point: keyOf(event) }); });
  chart.on('plotly_hover', (event) => { single(chart, event); show(event); });
  chart.on('plotly_unhover', () => { single(chart); hide(); });
  chart.on('plotly_afterplot', () => { sort(chart); fit(chart); });
  sort(chart);
  fit(chart);
});
