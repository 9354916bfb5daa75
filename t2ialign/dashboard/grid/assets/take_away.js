const made = JSON.parse(document.getElementById('made').textContent);
const dialog = document.querySelector('dialog');
let tiles = [...document.querySelectorAll('.t2-tile.ready')];
let at = 0;
const show = (place) => {
  at = (place + tiles.length) % tiles.length;
  const tile = tiles[at];
  dialog.classList.toggle('hard', Boolean(tile.closest('.hard')));
  dialog.querySelector('img').src = tile.querySelector('img').src;
  const scores = [...tile.querySelectorAll('.t2-more > span')].map((name) => `${name.textContent}: ${name.nextElementSibling.textContent}`);
  dialog.querySelector('pre').textContent = [made[tile.dataset.large], '', ...scores].join('\n');
  if (!dialog.open) dialog.showModal();
};
document.addEventListener('click', (event) => {
  const tile = event.target.closest('.t2-tile.ready');
  if (tile) show(tiles.indexOf(tile));
  else if (event.target === dialog || event.target.closest('dialog button')) dialog.close();
});
dialog.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowLeft') show(at - 1);
  if (event.key === 'ArrowRight') show(at + 1);
});
