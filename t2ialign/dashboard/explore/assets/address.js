(subject) => {
  const wanted = new URLSearchParams(subject);
  const address = new URL(location.href);
  for (const name of ['run', 'cell']) {
    address.searchParams.delete(name);
    if (wanted.get(name)) address.searchParams.set(name, wanted.get(name));
  }
  if (subject && address.href !== location.href) history.replaceState(history.state, '', address);
}
