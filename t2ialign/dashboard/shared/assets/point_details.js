
element.addEventListener('click', (event) => {
  const cover = event.target.closest('button.t2-cover');
  const point = cover?.dataset.point ?? event.target.closest('.t2-point-details')?.dataset.point;
  if (cover) trigger('select', { point, cell: cover.dataset.cell });
  else if (event.target.closest('.t2-back')) trigger('select', { point: '', cell: '' });
});
