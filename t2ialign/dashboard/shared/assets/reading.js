() => {
  if (!document.querySelector('#t2-reading .t2-notice')) window.dispatchEvent(new Event('t2-read'));
}
