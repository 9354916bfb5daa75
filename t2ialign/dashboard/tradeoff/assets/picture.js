() => {
  const chart = document.querySelector('#t2-tradeoff-chart .js-plotly-plot');
  if (!chart || !window.Plotly) return;
  const paper = getComputedStyle(document.body).backgroundColor; // the page lends the chart its background
  const figure = { data: chart.data, layout: { ...chart.layout, paper_bgcolor: paper } };
  Plotly.downloadImage(figure, {
    format: '__FORMAT__', filename: 'tradeoff', width: chart.offsetWidth, height: chart.offsetHeight, scale: '__FORMAT__' === 'png' ? 2 : 1,
  });
}
