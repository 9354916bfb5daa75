() => {
  const address = new URL(location.href);
  const tab = address.searchParams.get('tab');
  const first = !window.t2Beside; // while the page is built, before the one that the address names is chosen
  window.t2Beside = '__TAB__';
  if (first && tab !== '__TAB__') return;
  address.searchParams.set('tab', '__TAB__');
  if (address.href !== location.href) history.replaceState(history.state, '', address);
}
