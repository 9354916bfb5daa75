() => {
  const address = new URL(location.href);
  if ('__TAB__' === 'explore') address.searchParams.delete('tab');
  else if ('__TAB__' !== 'grid' || address.searchParams.get('tab') !== 'sweep') {
    address.searchParams.set('tab', '__TAB__' === 'grid' ? (window.t2Beside ?? 'grid') : '__TAB__');
  }
  if (address.href !== location.href) history.replaceState(history.state, '', address);
}
