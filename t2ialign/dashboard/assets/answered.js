() => {
  document.querySelector('#t2-generate')?.removeAttribute('aria-busy');
}
