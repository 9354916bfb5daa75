
element.addEventListener('click', (event) => {
  const cover = event.target.closest('.t2-cover');
  const section = event.target.closest('.t2-behind');
  if (cover && section) trigger('select', { point: section.dataset.point, cell: cover.dataset.cell });
});
