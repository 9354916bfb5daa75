(job) => {
  const address = new URL(location.href);
  if ((address.searchParams.get('job') ?? '') === job) return;
  address.searchParams.delete('job');
  if (job) {
    for (const name of ['run', 'cell', 'tab']) address.searchParams.delete(name);
    address.searchParams.set('job', job);
    setTimeout(() => document.querySelector('#t2-run-view')?.scrollIntoView({ behavior: 'smooth', block: 'start' }), 400);
  }
  history.replaceState(history.state, '', address);
}
