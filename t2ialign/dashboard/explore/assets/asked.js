() => {
  document.querySelector('#t2-generate')?.setAttribute('aria-busy', 'true');
}
