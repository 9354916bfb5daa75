// The browser's tab says when a run that was watched has ended, until somebody looks.
const title = document.title;
let was = '';
new MutationObserver(() => {
  const run = element.querySelector('.t2-training');
  const state = run?.dataset.status ?? '';
  const job = run?.dataset.job ?? '';
  if (was === `${job} running` && state === 'done') document.title = '\u2713 Align \u00b7 t2ialign';
  if (was === `${job} running` && state === 'failed') document.title = '! Align \u00b7 t2ialign';
  was = `${job} ${state}`;
}).observe(element, { childList: true, subtree: true });
for (const look of ['pointerdown', 'keydown', 'focus']) addEventListener(look, () => { document.title = title; });
