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

setInterval(() => {
  const chart = document.querySelector('#__PLOT__ .js-plotly-plot');
  if (!chart || !chart.on || chart === bound) return;
  bound = chart;
  chart.dataset.heard = 'true';
  chart.on('plotly_click', (event) => { hide(); if (keyOf(event)) trigger('select', { point: keyOf(event) }); });
  chart.on('plotly_hover', show);
  chart.on('plotly_unhover', hide);
}, 300);
