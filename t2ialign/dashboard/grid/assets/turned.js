() => {
  const link = document.querySelector('#t2-grid-progress .t2-link');
  if (!link) return;
  const page = Number(document.querySelector('#t2-grid-pages input:checked')?.value ?? 0);
  link.href = link.href.replace(/&leaf=\d+$/, '') + (page ? `&leaf=${page + 1}` : '');
  history.replaceState(history.state, '', link.href);
}
