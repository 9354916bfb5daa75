element.addEventListener('click', (event) => {
  if (event.target.closest('.t2-new-title')) event.preventDefault(); // it stands within the link
  const row = event.target.closest('[data-run]');
  const acts = { '.t2-star': 'star', '.t2-forget': 'forget', '.t2-recall': 'recall' };
  const act = Object.keys(acts).find((name) => event.target.closest(name));
  if (row && act) trigger('select', { act: acts[act], run: row.dataset.run });
  const button = event.target.closest('.t2-call');
  if (row && button) rename(button, row);
});
element.addEventListener('change', (event) => {
  const run = event.target.closest('[data-run]')?.dataset.run;
  if (run && event.target.matches('.t2-run-note')) trigger('select', { act: 'note', run, note: event.target.value });
});
// The title becomes a field; Enter or leaving it renames, Escape does not, and an empty one gives the prompt back.
function rename(button, row) {
  const name = row.querySelector('a > b');
  if (!name || name.hidden) return;
  const field = Object.assign(document.createElement('input'), {
    className: 't2-new-title', maxLength: 120, value: button.dataset.title, ariaLabel: `New name of ${button.dataset.title}`,
  });
  name.hidden = true;
  name.before(field);
  field.select();
  let ended = false;
  const end = (keep) => {
    if (ended) return;
    ended = true; // taking the field away blurs it
    const title = field.value.trim();
    field.remove();
    name.hidden = false;
    if (keep && title !== button.dataset.title) trigger('select', { act: 'rename', run: row.dataset.run, title });
    else button.focus();
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') { event.preventDefault(); end(true); }
    if (event.key === 'Escape') end(false);
  });
  field.addEventListener('blur', () => end(true));
}
