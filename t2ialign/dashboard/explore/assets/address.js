(subject) => {
  const wanted = new URLSearchParams(subject);
  const address = new URL(location.href);
  // The plain address opens with the last batch and stays plain.
  if (!window.t2Asked && !address.searchParams.has('run') && !address.searchParams.has('cell')) return;
  for (const name of ['run', 'cell']) {
    address.searchParams.delete(name);
    if (wanted.get(name)) address.searchParams.set(name, wanted.get(name));
  }
  if (subject && address.href !== location.href) history.replaceState(history.state, '', address);
}
