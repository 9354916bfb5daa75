element.addEventListener('click', async (event) => {
  const button = event.target.closest('.t2-copy');
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = 'Copied';
  } catch { // not over https, or not allowed: the link is at least selected
    getSelection().selectAllChildren(element.querySelector('.t2-address'));
    button.textContent = 'Selected: copy it now';
  }
  setTimeout(() => { button.textContent = 'Copy the link'; }, 2500);
});
// A link that is new comes into view, wherever the page was before.
const inView = () => { if (element.querySelector('.t2-qr') && element.offsetParent) element.scrollIntoView({ block: 'nearest' }); };
watch('value', inView);
inView();
