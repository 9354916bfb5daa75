element.addEventListener('click', (event) => {
  const job = event.target.closest('[data-job]')?.dataset.job;
  const acts = { '.t2-star': 'star', '.t2-forget': 'delete', '.t2-recall': 'recall', '.t2-sweep-show': 'open' };
  const act = Object.keys(acts).find((name) => event.target.closest(name));
  if (job && act) trigger('select', { act: acts[act], job });
});
element.addEventListener('change', (event) => {
  const job = event.target.closest('[data-job]')?.dataset.job;
  const act = { 't2-run-note': 'note', 't2-sweep-rename': 'rename' }[event.target.className];
  if (job && act) trigger('select', { act, job, text: event.target.value });
});
