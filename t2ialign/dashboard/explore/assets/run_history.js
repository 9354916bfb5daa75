element.addEventListener('click', (event) => {
  if (event.target.closest('.t2-new-title')) event.preventDefault(); // it stands within the link
  const row = event.target.closest('[data-run]');
  const acts = { '.t2-star': 'star', '.t2-forget': 'forget', '.t2-recall': 'recall' };
  const act = Object.keys(acts).find((name) => event.target.closest(name));
  if (row && act) trigger('select', { act: acts[act], run: row.dataset.run });
  const button = event.target.closest('.t2-call');
  if (!row || !button) return;
  const look = { className: 't2-new-title', maxLength: 120 };
  rename(button, row.querySelector('a > b'), look, (title) => trigger('select', { act: 'rename', run: row.dataset.run, title }));
});
element.addEventListener('change', (event) => {
  const run = event.target.closest('[data-run]')?.dataset.run;
  if (run && event.target.matches('.t2-run-note')) trigger('select', { act: 'note', run, note: event.target.value });
});
