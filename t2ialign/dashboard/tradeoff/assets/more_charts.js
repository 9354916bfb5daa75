// Listens to the charts below the chart: a click on a mark says what lies behind it, and what opens is brought into view.
const bound = new WeakSet();
const word = (event) => {
  const data = event.points?.[0]?.customdata;
  const found = Array.isArray(data) ? data[0] : '';
  return typeof found === 'string' ? found : '';
};
addEventListener('t2-changed', () => {
  for (const chart of document.querySelectorAll('#t2-more .js-plotly-plot')) {
    if (!chart.on || bound.has(chart)) continue;
    bound.add(chart);
    chart.dataset.heard = 'true';
    chart.on('plotly_click', (event) => {
      const mark = word(event);
      if (!mark) return;
      trigger('select', { mark });
      const place = mark.startsWith('pair:') ? '#t2-more-pair' : '#t2-tradeoff-point-details';
      setTimeout(() => document.querySelector(place)?.scrollIntoView({ block: 'nearest' }), 400);
    });
  }
});
