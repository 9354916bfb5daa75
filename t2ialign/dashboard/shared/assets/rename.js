// A name becomes a field in its place; Enter or leaving it tells the new one, Escape does not; an empty one gives the own name back.
function rename(button, name, { className, maxLength }, tell) {
  if (!name || name.hidden) return;
  const field = Object.assign(document.createElement('input'), {
    className, maxLength, value: button.dataset.title, ariaLabel: `New name of ${button.dataset.title}`,
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
    if (keep && title !== button.dataset.title) tell(title);
    else button.focus();
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') { event.preventDefault(); end(true); } // it may stand within a link
    if (event.key === 'Escape') end(false);
  });
  field.addEventListener('blur', () => end(true));
}
