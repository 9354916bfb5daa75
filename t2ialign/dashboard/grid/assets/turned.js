() => {
  const page = document.querySelector('#t2-grid-pages input:checked')?.value ?? '0';
  const at = (address) => {
    const found = new URL(address);
    if (Number(page)) found.searchParams.set('page', Number(page) + 1);
    else found.searchParams.delete('page');
    return found.href;
  };
  const link = document.querySelector('#t2-grid-progress .t2-link');
  if (!link) return;
  link.href = at(link.href);
  history.replaceState(history.state, '', link.href);
}
