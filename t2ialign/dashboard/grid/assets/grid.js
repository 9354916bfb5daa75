// In a grid one picture is large at a time. Arrows go to the same seed of the neighbouring cell.
beside = (tile) => [tile];
const place = (tile) => {
  const cell = tile.closest('td');
  return { cell, column: cell.cellIndex, row: cell.parentElement, index: [...cell.querySelectorAll('.t2-tile')].indexOf(tile) };
};
const go = (across, down) => {
  const tile = at();
  if (!tile) return;
  const { column, row, index } = place(tile);
  const rows = [...row.parentElement.rows];
  const width = row.cells.length - 1;
  let [i, j] = [column - 1, rows.indexOf(row)];
  for (let tries = 0; tries < width * rows.length; tries += 1) {
    i = (i + across + width) % width;
    j = (j + down + rows.length) % rows.length;
    const next = rows[j].cells[i + 1].querySelectorAll('.t2-tile')[index];
    if (next?.classList.contains('ready')) return show(next);
  }
};
move = (by) => go(by, 0);
dialog.addEventListener('keydown', (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (by) { event.preventDefault(); go(0, by); }
});
extras.push((tile) => { // the other seeds of the cell
  const row = make('div', 't2-seed-row');
  const twins = [...tile.closest('td').querySelectorAll('.t2-tile.ready')];
  if (twins.length < 2) return null;
  for (const twin of twins) {
    const button = make('button', 't2-seed-small');
    button.type = 'button';
    button.setAttribute('aria-label', `Seed ${twin.dataset.seed}`);
    button.setAttribute('aria-pressed', String(twin === tile));
    button.append(Object.assign(new Image(), { src: twin.querySelector('img').src, alt: '' }));
    button.addEventListener('click', () => show(twin));
    row.append(button);
  }
  return row;
});
extras.push((tile, acts) => {
  const link = make('a', 't2-act', 'Open in Explore');
  link.href = tile.closest('.t2-group').dataset.href;
  acts.append(link);
  return null;
});
