(job) => {
  const address = new URL(location.href);
  if ((address.searchParams.get('sweep') ?? '') === job) return;
  for (const name of ['sweep', 'around', 'grid', 'run', 'cell']) address.searchParams.delete(name);
  if (job) {
    address.searchParams.set('tab', 'sweep');
    address.searchParams.set('sweep', job);
    setTimeout(() => document.querySelector('#t2-sweep-view')?.scrollIntoView({ behavior: 'smooth', block: 'start' }), 400);
  }
  history.replaceState(history.state, '', address);
}
