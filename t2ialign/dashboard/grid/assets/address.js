() => setTimeout(() => {
  const link = document.querySelector('#t2-grid-progress .t2-link');
  if (link) history.replaceState(history.state, '', link.href);
}, 150)
