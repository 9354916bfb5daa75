// A chart's points by keyboard: it takes the focus like a button, arrows walk from point to point, Enter opens, Escape leaves.
let told = null; // what readers of the screen hear
let marker = null;
let lit = -1;

// The points that can be opened, from left to right, each with where it stands in the chart.
function spots(chart) {
  const { xaxis, yaxis } = chart._fullLayout ?? {};
  if (!xaxis?.d2p || !yaxis?.d2p) return [];
  const found = [];
  for (const trace of chart._fullData ?? []) {
    const keys = chart.data[trace.index]?.customdata ?? [];
    for (let at = 0; at < (trace.x?.length ?? 0) && trace.visible !== 'legendonly'; at += 1) {
      const key = keys[at]?.[0];
      const [left, top] = [xaxis.d2p(trace.x[at]) + xaxis._offset, yaxis.d2p(trace.y[at]) + yaxis._offset];
      if (!key || !Number.isFinite(left) || !Number.isFinite(top) || found.some((one) => one.key === key)) continue;
      found.push({ key, left, top, words: words(trace, at) });
    }
  }
  return found.sort((one, other) => one.left - other.left || one.top - other.top);
}

function words(trace, at) {
  const written = trace.hovertext ?? trace.text;
  const text = Array.isArray(written) ? written[at] : written;
  const plain = new DOMParser().parseFromString(String(text ?? '').replaceAll('<br>', ', '), 'text/html').body.textContent;
  return [trace.name, plain].filter((part) => part && part !== 'undefined').join(': ') || `${trace.x[at]}, ${trace.y[at]}`;
}

function light(chart, place) {
  const all = spots(chart);
  if (!all.length) return;
  lit = (place + all.length) % all.length;
  marker.style.left = `${all[lit].left}px`;
  marker.style.top = `${all[lit].top}px`;
  marker.hidden = false;
  told.textContent = `${lit + 1} of ${all.length}: ${all[lit].words}`;
}

function dim() {
  lit = -1;
  if (marker) marker.hidden = true;
  if (told) told.textContent = '';
}

function walk(event) {
  const chart = event.currentTarget;
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key in steps) light(chart, lit < 0 ? (steps[event.key] > 0 ? 0 : -1) : lit + steps[event.key]);
  else if (event.key === 'Home') light(chart, 0);
  else if (event.key === 'End') light(chart, -1);
  else if ((event.key === 'Enter' || event.key === ' ') && lit >= 0) {
    window.t2Opened = Date.now();
    trigger('select', { point: spots(chart)[lit].key });
  }
  else if (event.key === 'Escape' && lit >= 0) dim();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

addEventListener('t2-changed', () => {
  const chart = document.querySelector('#__PLOT__ .js-plotly-plot');
  if (!chart?.on || chart.dataset.keys) return;
  chart.dataset.keys = 'true';
  chart.tabIndex = 0;
  chart.setAttribute('role', 'group');
  chart.setAttribute('aria-label', 'Chart. Arrow keys go from point to point, Enter opens one.');
  marker = Object.assign(document.createElement('span'), { className: 't2-lit', hidden: true });
  told = Object.assign(document.createElement('span'), { className: 't2-said' });
  told.setAttribute('role', 'status');
  chart.append(marker, told);
  chart.addEventListener('keydown', walk);
  chart.addEventListener('blur', dim);
  chart.on('plotly_click', () => { window.t2Opened = Date.now(); });
  chart.on('plotly_afterplot', () => { if (lit >= 0) light(chart, lit); });
});
