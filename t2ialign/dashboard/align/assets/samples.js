// A sample is enlarged by a click; the arrows go through the steps, so that one sees the same picture change.
const box = Object.assign(document.createElement('dialog'), { className: 't2-large' });
const words = Object.assign(document.createElement('p'), { className: 't2-prompt' });
const picture = Object.assign(new Image(), { className: 't2-sample-large' });
const when = Object.assign(document.createElement('p'), { className: 't2-notice hint' });
box.append(words, picture, when);
document.body.appendChild(box);
let chosen = null;
const open = (sample) => {
  chosen = { place: sample.dataset.place, moment: sample.dataset.moment };
  words.textContent = sample.dataset.prompt;
  when.textContent = `${sample.dataset.moment} · the arrow keys, or a tap on the picture, go through the steps`;
  picture.src = sample.querySelector('img').src;
  picture.alt = sample.getAttribute('aria-label');
  box.classList.toggle('hard', Boolean(sample.closest('.hard')));
  if (!box.open) box.showModal();
};
const turn = (by) => {
  const row = [...element.querySelectorAll(`.t2-sample[data-place="${chosen.place}"]`)];
  const at = row.findIndex((one) => one.dataset.moment === chosen.moment);
  if (row.length) open(row[(at + by + row.length) % row.length]);
};
element.addEventListener('click', (event) => {
  const sample = event.target.closest('.t2-sample');
  if (sample) open(sample);
});
box.addEventListener('click', (event) => { if (event.target === picture) turn(1); else if (event.target === box) box.close(); });
box.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowLeft') turn(-1);
  if (event.key === 'ArrowRight') turn(1);
});
