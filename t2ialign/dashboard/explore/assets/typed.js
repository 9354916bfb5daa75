// What is written or picked before the page's first view has come must outlive it (opened.js).
document.addEventListener('input', (event) => { if (event.target.closest('#t2-prompt')) window.t2Typed = event.target.value; });
element.addEventListener('click', (event) => {
  const chip = event.target.closest('.t2-chip');
  if (chip) window.t2Typed = chip.dataset.prompt;
});
