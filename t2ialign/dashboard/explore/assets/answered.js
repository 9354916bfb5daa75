() => {
  document.querySelector('#t2-generate')?.removeAttribute('aria-busy');
  // On a phone the settings stand between the button and the sentence.
  requestAnimationFrame(() => document.querySelector('#t2-notice .problem')?.scrollIntoView({ block: 'nearest' }));
}
