(state) => {
  const address = new URL(location.href);
  if (address.searchParams.get('tab') !== 'tradeoff') return;
  for (const [name, value] of Object.entries(JSON.parse(state || '{}'))) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  if (address.href !== location.href) history.replaceState(history.state, '', address);
}
