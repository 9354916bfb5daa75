async () => {
  const button = document.querySelector('#__BUTTON__');
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Copy it from the address bar';
  }
  setTimeout(() => { button.textContent = 'Copy link'; }, 2500);
}
