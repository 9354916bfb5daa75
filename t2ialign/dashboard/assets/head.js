(() => {
  const stored = localStorage.getItem('t2ialign-theme');
  const asked = new URLSearchParams(location.search).get('__theme');
  if (stored && !asked) {
    const apply = () => document.body && document.body.classList.toggle('dark', stored === 'dark');
    const watcher = new MutationObserver(apply);
    document.addEventListener('DOMContentLoaded', () => {
      apply();
      watcher.observe(document.body, { attributes: true, attributeFilter: ['class'] });
      setTimeout(() => watcher.disconnect(), 4000); // Gradio sets the system's theme once while it starts
    });
    document.addEventListener('t2-theme', () => watcher.disconnect());
  }
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || document.querySelector('dialog[open], [popover]:popover-open')) return;
    const cancel = document.querySelector('#t2-cancel');
    if (cancel && cancel.offsetParent && !cancel.disabled) cancel.click();
  });
})();
