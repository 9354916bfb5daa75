
element.addEventListener('click', (event) => {
  const cover = event.target.closest('button.t2-cover');
  const point = cover?.dataset.point ?? event.target.closest('.t2-point-details')?.dataset.point;
  if (cover) trigger('select', { point, cell: cover.dataset.cell });
  else if (event.target.closest('.t2-back')) trigger('select', { point: '', cell: '' });
});
// On a phone the pictures lie below the chart: a point that was just opened there brings them into view.
watch('value', () => {
  const just = Date.now() - (window.t2Opened ?? 0) < 10000;
  if (!just || !element.querySelector('.t2-point-details') || !matchMedia('(max-width: 760px)').matches) return;
  window.t2Opened = 0;
  element.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
});
