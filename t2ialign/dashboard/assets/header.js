element.addEventListener('click', (event) => {
  if (!event.target.closest('.t2-theme')) return;
  document.dispatchEvent(new Event('t2-theme'));
  const dark = document.body.classList.toggle('dark');
  localStorage.setItem('t2ialign-theme', dark ? 'dark' : 'light');
});
