element.addEventListener('click', (event) => {
  const run = event.target.closest('[data-run]')?.dataset.run;
  const acts = { '.t2-star': 'star', '.t2-forget': 'forget', '.t2-recall': 'recall' };
  const act = Object.keys(acts).find((name) => event.target.closest(name));
  if (run && act) trigger('select', { act: acts[act], run });
});
element.addEventListener('change', (event) => {
  const run = event.target.closest('[data-run]')?.dataset.run;
  if (run && event.target.matches('.t2-run-note')) trigger('select', { act: 'note', run, note: event.target.value });
});
