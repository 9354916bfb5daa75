// Groups of methods for which one has no data are left out; the choice outlives the cards, which are drawn anew.
let have = '';
const show = () => {
  for (const chip of element.querySelectorAll('.t2-have')) chip.setAttribute('aria-pressed', String(chip.dataset.have === have));
  for (const group of element.querySelectorAll('.t2-method-group')) group.hidden = have !== '' && group.dataset.kind !== have;
};
element.addEventListener('click', (event) => {
  const chip = event.target.closest('.t2-have');
  if (chip) {
    have = chip.dataset.have;
    show();
  }
  const card = event.target.closest('.t2-method');
  if (card) trigger('select', { method: card.dataset.method });
});
new MutationObserver(show).observe(element, { childList: true, subtree: true });
