(() => {
  // The theme that was chosen here before wins against the one that Gradio sets while it starts.
  const asked = new URLSearchParams(location.search).get('__theme');
  const apply = () => {
    const chosen = localStorage.getItem('t2ialign-theme');
    if (chosen && !asked) document.body.classList.toggle('dark', chosen === 'dark');
  };
  const begin = () => {
    apply();
    new MutationObserver(apply).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  };
  if (document.body) begin();
  else document.addEventListener('DOMContentLoaded', begin);
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || document.querySelector('dialog[open], [popover]:popover-open')) return;
    const cancel = document.querySelector('#t2-cancel');
    if (cancel && cancel.offsetParent && !cancel.disabled) cancel.click();
  });
})();
