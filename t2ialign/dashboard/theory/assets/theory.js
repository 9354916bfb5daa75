const LANDSCAPES = '.t2-landscape .js-plotly-plot';
const SIDE = 520;
let reel = null;
let stamp = '';
let now = 0;
let playing = null;
let turning = false;
const bound = new WeakSet();

const stop = () => {
  clearInterval(playing);
  playing = null;
  const button = element.querySelector('.t2-play');
  if (button) button.textContent = 'Play';
};
const show = (place) => {
  now = Math.min(Math.max(place, 0), reel.steps.length - 1);
  element.querySelector('input[type=range]').value = now;
  const pairs = reel.pairs[now];
  element.querySelector('output').textContent = `step ${reel.steps[now]}${now ? ` · ${pairs} pairs` : ' · the start'}`;
  document.querySelectorAll(LANDSCAPES).forEach(move);
};
const play = () => {
  if (playing) return stop();
  if (now >= reel.steps.length - 1) show(0);
  element.querySelector('.t2-play').textContent = 'Pause';
  playing = setInterval(() => (now < reel.steps.length - 1 ? show(now + 1) : stop()), 140);
};

// Moves the cloud and its path in one chart, unless they are there already: the server draws both at the last step.
function move(chart) {
  const places = reel?.plots[chart.closest('.t2-landscape')?.id];
  const wanted = `${stamp}/${now}`;
  if (!places || !window.Plotly || !chart.data) return;
  const cloud = chart.data.findIndex((trace) => trace.name === 'pairs');
  const path = chart.data.findIndex((trace) => trace.name === 'path');
  if (cloud < 0 || path < 0 || chart.data[cloud].meta === wanted) return;
  const at = places.cloud[now];
  const until = Object.fromEntries(Object.entries(places.path).map(([axis, values]) => [axis, values.slice(0, now + 1)]));
  const deep = 'z' in chart.data[cloud];
  const update = { x: [until.x, at.x], y: [until.y, at.y], meta: [wanted, wanted] };
  if (deep) update.z = [until.z, at.z];
  window.Plotly.restyle(chart, update, [path, cloud]);
}

// A landscape is a square, as far as its column goes.
function square(chart) {
  if (!chart.offsetParent || !chart.layout || !window.Plotly) return false;
  const side = Math.round(Math.min(SIDE, chart.parentElement.clientWidth));
  const wrong = side > 0 && Math.abs(chart.layout.height - side) > 2;
  if (wrong) window.Plotly.relayout(chart, { height: side });
  return wrong;
}

// One camera for all landscapes: whichever is turned, the others follow.
function bind(chart) {
  if (bound.has(chart) || !chart.on) return;
  bound.add(chart);
  new ResizeObserver(() => square(chart) || (chart.offsetParent && window.Plotly.Plots.resize(chart))).observe(chart.closest('.t2-landscape'));
  chart.closest('.t2-landscape').addEventListener('wheel', (event) => event.stopPropagation(), { capture: true });
  chart.on('plotly_relayout', async (change) => {
    const camera = change['scene.camera'];
    if (!camera || turning) return;
    turning = true;
    const others = [...document.querySelectorAll(LANDSCAPES)].filter((other) => other !== chart && other.layout?.scene);
    await Promise.all(others.map((other) => window.Plotly.relayout(other, { 'scene.camera': camera })));
    turning = false;
  });
}

element.addEventListener('click', (event) => { if (event.target.closest('.t2-play')) play(); });
element.addEventListener('input', (event) => { stop(); show(Number(event.target.value)); });
addEventListener('t2-changed', () => {
  const drawn = element.querySelector('.t2-player');
  if (drawn?.dataset.stamp !== stamp) {
    const steps = reel?.steps;
    reel = drawn ? JSON.parse(drawn.dataset.film) : null;
    stamp = drawn?.dataset.stamp ?? '';
    if (reel) show(String(reel.steps) === String(steps) ? now : reel.steps.length - 1);
    else stop();
  }
  document.querySelectorAll(LANDSCAPES).forEach((chart) => {
    bind(chart);
    move(chart);
    square(chart);
  });
});
