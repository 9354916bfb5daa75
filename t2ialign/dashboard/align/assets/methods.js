// Groups of methods for which one has no data are left out. The choice outlives the cards: where they are drawn anew, Gradio
// keeps the elements and puts their attributes back. What is right already is left alone, or it would be noticed forever.
let have = '';
const show = () => {
  for (const chip of element.querySelectorAll('.t2-have')) {
    const pressed = String(chip.dataset.have === have);
    if (chip.getAttribute('aria-pressed') !== pressed) chip.setAttribute('aria-pressed', pressed);
  }
  for (const group of element.querySelectorAll('.t2-method-group')) {
    const hidden = have !== '' && group.dataset.kind !== have;
    if (group.hidden !== hidden) group.hidden = hidden;
  }
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
new MutationObserver(show).observe(element, { childList: true, subtree: true, attributeFilter: ['aria-pressed', 'hidden'] });
