(() => {
  // The theme that was chosen here before wins against the one that Gradio sets while it starts.
  const asked = new URLSearchParams(location.search);
  const apply = () => {
    const chosen = localStorage.getItem('t2ialign-theme');
    if (chosen && !asked.get('__theme')) document.body.classList.toggle('dark', chosen === 'dark');
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
  // Gradio's clocks of pending events tick sixty times a second, and for ever where what they stand on goes away first, as
  // the sign does that it shows while it starts. No event of this page shows one: they do not begin.
  const frame = window.requestAnimationFrame.bind(window);
  const isClock = (callback) => /^[^;]{0,40}performance\.now\(\)[^;]{0,20}\/1e3/.test(String(callback).slice(0, 100));
  window.requestAnimationFrame = (callback) => (isClock(callback) ? 0 : frame(callback));
  // The tab that the address names is chosen before Gradio builds the page: the first one need not be drawn for nothing.
  const named = __TABS__[asked.get('tab') ?? (asked.has('job') ? 'align' : '')] ?? {};
  let configuration;
  // Gradio asks each event of each component, and looks for a component by walking through all of them. Svelte watches plain
  // objects only, which makes the first slow; what programs alone call has no place on the page, which shortens the second.
  const unwatched = Object.create(Object.prototype);
  const lighten = (given) => {
    for (const event of given.dependencies ?? []) Object.setPrototypeOf(event, unwatched);
    const calls = new Set((given.components ?? []).filter(({ type }) => type === 'api').map(({ id }) => id));
    const stays = ({ id }) => !calls.has(id);
    given.components = given.components?.filter(stays);
    for (const tree of [given.layout, ...Object.values(given.page ?? {}).map((one) => one.layout)]) {
      if (tree?.children) tree.children = tree.children.filter(stays);
    }
  };
  Object.defineProperty(window, 'gradio_config', {
    configurable: true,
    get: () => configuration,
    set: (given) => {
      configuration = given;
      if (given) lighten(given);
      for (const { type, props } of given?.components ?? []) {
        if (type === 'tabs' && props.elem_id in named) props.selected = named[props.elem_id];
      }
    },
  });
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
