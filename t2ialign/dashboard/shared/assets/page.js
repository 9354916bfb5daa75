const theme = () => (document.body.classList.contains('dark') ? 'dark' : 'light');
const tell = () => { if (props.value !== theme()) props.value = theme(); };
new MutationObserver(tell).observe(document.body, { attributes: true, attributeFilter: ['class'] });
tell();
let visible = false;
let begun = false;
new ResizeObserver(() => {
  const now = element.getClientRects().length > 0;
  if (now && !begun) trigger('ready', { query: location.search, theme: theme() });
  if (now && !visible) trigger('shown', { query: location.search, theme: theme() });
  begun = begun || now;
  visible = now;
}).observe(element);
window.addEventListener('t2-read', () => { // the shipped results have come
  if (visible) for (const name of ['ready', 'shown']) trigger(name, { query: location.search, theme: theme() });
});
