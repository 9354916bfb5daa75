async () => {
  const button = document.querySelector('#t2-notify');
  const say = (words) => { button.textContent = words; };
  if (!('Notification' in window) || !window.isSecureContext) { say('This browser cannot tell here'); return; }
  if (localStorage.getItem('t2-notify') === 'yes' && Notification.permission === 'granted') {
    localStorage.removeItem('t2-notify');
    say('Tell me when it is done');
    return;
  }
  const allowed = await Notification.requestPermission();
  if (allowed === 'granted') localStorage.setItem('t2-notify', 'yes');
  say(allowed === 'granted' ? 'You will be told' : 'The browser does not allow it');
}
