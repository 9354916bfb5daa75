element.addEventListener('click', (event) => {
  const pill = event.target.closest('.t2-pill');
  const chip = event.target.closest('.t2-chip');
  if (pill) {
    for (const other of element.querySelectorAll('.t2-pill')) other.setAttribute('aria-pressed', String(other === pill));
    for (const row of element.querySelectorAll('.t2-chip-row')) row.hidden = row.dataset.category !== pill.dataset.category;
  }
  if (chip) trigger('select', { prompt: chip.dataset.prompt });
});
