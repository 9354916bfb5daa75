element.addEventListener('click', (event) => {
  if (!event.target.closest('.t2-theme')) return;
  const dark = !document.body.classList.contains('dark');
  localStorage.setItem('t2ialign-theme', dark ? 'dark' : 'light');
  document.body.classList.toggle('dark', dark);
});
const narrow = matchMedia('(max-width: 760px)');
const fold = (tries) => {
  const button = document.querySelector('#t2-fold > button');
  if (button?.classList.contains('open')) button.click();
  else if (!button && tries) setTimeout(() => fold(tries - 1), 200);
};
if (narrow.matches) fold(50); // on a phone the settings are folded away, so that the pictures are in sight
