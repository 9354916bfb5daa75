() => {
  const chart = document.querySelector('#__PLOT__ .js-plotly-plot');
  if (!chart || !window.Plotly) return;
  const paper = getComputedStyle(document.body).backgroundColor; // the page lends the chart its background
  const figure = { data: chart.data, layout: { ...chart.layout, paper_bgcolor: paper } };
  Plotly.downloadImage(figure, {
    format: '__FORMAT__', filename: '__NAME__', width: chart.offsetWidth, height: chart.offsetHeight, scale: '__FORMAT__' === 'png' ? 2 : 1,
  });
}
