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
// Gradio's menus of several choices tell what is picked in them, and not what is typed and entered.
const tab = element.closest('[role=tabpanel]');
document.addEventListener('keyup', (event) => {
  if (event.key === 'Enter' && tab?.contains(event.target) && event.target.closest('.wrap')?.querySelector('.token')) trigger('entered', {});
});
