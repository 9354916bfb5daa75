// The browser's tab says when a run that was watched has ended, until somebody looks; the desktop too, for those who asked.
const title = document.title;
const wanted = () => localStorage.getItem('t2-notify') === 'yes' && 'Notification' in window && Notification.permission === 'granted';
let was = '';
function tell(run, ended) {
  document.title = `${ended === 'done' ? '\u2713' : '!'} Align \u00b7 t2ialign`;
  if (!wanted()) return;
  const name = run.querySelector('h3')?.firstChild?.textContent.trim() ?? 'The run';
  const said = run.querySelector('p span')?.textContent ?? '';
  const note = new Notification(`${name} ${ended === 'done' ? 'is done' : 'was stopped by a problem'}`, { body: said, tag: run.dataset.job });
  note.onclick = () => { window.focus(); note.close(); };
}
new MutationObserver(() => {
  const run = element.querySelector('.t2-training');
  const state = run?.dataset.status ?? '';
  const job = run?.dataset.job ?? '';
  if (was === `${job} running` && (state === 'done' || state === 'failed')) tell(run, state);
  was = `${job} ${state}`;
  const asked = document.querySelector('#t2-notify');
  if (asked && wanted()) asked.textContent = 'You will be told';
}).observe(element, { childList: true, subtree: true });
for (const look of ['pointerdown', 'keydown', 'focus']) addEventListener(look, () => { document.title = title; });
