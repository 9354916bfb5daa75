() => {
  const address = new URL(location.href);
  if ('__TAB__' === 'explore') address.searchParams.delete('tab');
  else address.searchParams.set('tab', '__TAB__');
  if (address.href !== location.href) history.replaceState(history.state, '', address);
}
