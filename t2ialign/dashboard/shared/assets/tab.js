() => {
  const address = new URL(location.href);
  const first = !window.t2Chosen; // the first tab is chosen while the page is built, before the one that the address names
  window.t2Chosen = true;
  if (first && '__TAB__' === 'explore') return;
  if ('__TAB__' === 'explore') address.searchParams.delete('tab');
  else if ('__TAB__' !== 'grid' || address.searchParams.get('tab') !== 'sweep') {
    address.searchParams.set('tab', '__TAB__' === 'grid' ? (window.t2Beside ?? 'grid') : '__TAB__');
  }
  if (address.href !== location.href) history.replaceState(history.state, '', address);
}
