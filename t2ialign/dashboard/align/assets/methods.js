element.addEventListener('click', (event) => {
  const card = event.target.closest('.t2-method');
  if (card) trigger('select', { method: card.dataset.method });
});
