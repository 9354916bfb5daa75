(() => {
  // The theme that was chosen here before wins against the one that Gradio sets while it starts.
  const asked = new URLSearchParams(location.search).get('__theme');
  const apply = () => {
    const chosen = localStorage.getItem('t2ialign-theme');
    if (chosen && !asked) document.body.classList.toggle('dark', chosen === 'dark');
  };
  // Scripts of charts look again a moment after the page has changed (`t2-changed`), and never while it stands still.
  let soon = 0;
  const changed = () => { soon ||= setTimeout(() => { soon = 0; dispatchEvent(new Event('t2-changed')); }, 100); };
  const begin = () => {
    apply();
    new MutationObserver(apply).observe(document.body, { attributes: true, attributeFilter: ['class'] });
    new MutationObserver(changed).observe(document.body, { childList: true, subtree: true });
  };
  if (document.body) begin();
  else document.addEventListener('DOMContentLoaded', begin);
  // The clock of the sign that Gradio shows while it starts goes on for ever behind the page, sixty times a second: it ends
  // here, with the page in place, and the browser's own function is back.
  const frame = window.requestAnimationFrame;
  const isClock = () => /statustracker/.test(new Error().stack) && !/Object\.tick/.test(new Error().stack);
  let within = false;
  window.requestAnimationFrame = (callback) => {
    const here = document.querySelector('#t2-tabs');
    if (!(within || (!here && isClock()))) return frame.call(window, callback);
    if (here) {
      window.requestAnimationFrame = frame;
      return 0;
    }
    return frame.call(window, (now) => {
      within = true;
      try { callback(now); } finally { within = false; }
    });
  };
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || document.querySelector('dialog[open], [popover]:popover-open')) return;
    const cancel = document.querySelector('#t2-cancel');
    if (cancel && cancel.offsetParent && !cancel.disabled) cancel.click();
  });
  // What scrolls takes the focus in Chromium, and an open list of options goes away when it does: Tab would end nowhere.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab') for (const list of document.querySelectorAll('ul[role=listbox]')) list.tabIndex = -1;
  }, true);
  // Requests that leaving the page cuts off are no errors: what is complained of is said a moment later, if anybody is here.
  let left = -Infinity;
  const complain = console.error.bind(console);
  console.error = (...said) => setTimeout(() => { if (performance.now() - left > 3000) complain(...said); });
  for (const name of ['beforeunload', 'pagehide']) addEventListener(name, () => { left = performance.now(); });
})();
