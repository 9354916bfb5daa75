const theme = () => (document.body.classList.contains('dark') ? 'dark' : 'light');
const tell = () => { if (props.value !== theme()) props.value = theme(); };
new MutationObserver(tell).observe(document.body, { attributes: true, attributeFilter: ['class'] });
window.addEventListener('t2-changed', tell); // Gradio puts the first value back while it builds the page
tell();
const say = (...names) => names.forEach((name) => trigger(name, { query: location.search, theme: theme() }));
let visible = false;
let begun = false;
const look = () => {
  const now = element.getClientRects().length > 0;
  if (now && !begun) say('ready');
  if (now && !visible) say('shown');
  begun = begun || now;
  visible = now;
};
new ResizeObserver(look).observe(element);
window.addEventListener('t2-read', () => { if (visible) say('ready', 'shown'); }); // the shipped results have come
