() => {
  window.t2Asked = true;
  document.querySelector('#t2-generate')?.setAttribute('aria-busy', 'true');
}
