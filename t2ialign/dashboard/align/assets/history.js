element.addEventListener('click', (event) => {
  const run = event.target.closest('.t2-run');
  if (run) trigger('select', { job: run.dataset.job });
});
