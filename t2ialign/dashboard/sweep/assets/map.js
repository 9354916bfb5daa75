element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button?.dataset.cell) {
    for (const one of element.querySelectorAll('[aria-pressed]')) one.removeAttribute('aria-pressed');
    button.setAttribute('aria-pressed', 'true');
    trigger('select', { cell: button.dataset.cell });
  } else if (button?.dataset.row) trigger('select', { row: Number(button.dataset.row) });
});
