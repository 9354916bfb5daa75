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
// Another page of the grid: its tab is pressed, and the same place is large when its table is there.
const tabs = () => [...document.querySelectorAll('#t2-grid-pages input[type=radio]')];
document.addEventListener('keydown', (event) => { // to the browser each of Gradio's is a group of its own
  const tab = event.target.closest?.('#t2-grid-pages input');
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Enter: 0 }[event.key];
  if (!tab || by === undefined) return;
  event.preventDefault();
  const next = tabs()[(tabs().indexOf(tab) + by + tabs().length) % tabs().length];
  next.focus();
  next.click();
});
let awaited = null;
const openLeaf = (to) => {
  const tile = at();
  const [all, from] = [tabs(), tabs().indexOf(chosen())];
  const next = (to + all.length) % (all.length || 1);
  if (!tile || all.length < 2 || next === from) return;
  awaited = { page: String(next), at: tile.closest('td').dataset.at, index: place(tile).index };
  all[next].click();
};
const arrived = () => {
  if (!awaited || element.querySelector('table.t2-grid')?.dataset.page !== awaited.page) return;
  const cell = element.querySelector(`td[data-at="${awaited.at}"]`);
  const tile = cell?.querySelectorAll('.t2-tile')[awaited.index];
  awaited = null;
  if (!dialog.open) return;
  const next = tile?.classList.contains('ready') ? tile : element.querySelector('.t2-tile.ready');
  if (next) show(next);
  else dialog.close(); // nothing of that page is drawn
};
// A look at the work may come late, with the table of the page that was on show when it began: the tab is asked again.
const chosen = () => tabs().find((tab) => tab.checked);
const late = () => chosen() && element.querySelector('table.t2-grid')?.dataset.page !== chosen().value;
let soon = 0;
const settle = () => {
  clearTimeout(soon);
  if (late()) soon = setTimeout(() => late() && chosen().dispatchEvent(new Event('input', { bubbles: true })), 500);
};
new MutationObserver(() => { arrived(); settle(); }).observe(element, { childList: true, subtree: true, attributeFilter: ['data-page'] });
dialog.addEventListener('keydown', (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const leaf = { PageUp: -1, PageDown: 1 }[event.key];
  if (by || leaf) event.preventDefault();
  if (by) go(0, by);
  if (leaf) openLeaf(tabs().indexOf(chosen()) + leaf);
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
extras.push(() => { // the same place of the other pages
  const row = make('div', 't2-leaf-row');
  if (tabs().length < 2) return null;
  for (const [index, tab] of tabs().entries()) {
    const words = tab.closest('label').textContent.trim();
    const button = make('button', 't2-leaf-step', words);
    button.type = 'button';
    button.title = `${words} (Page Up and Page Down turn pages)`;
    button.setAttribute('aria-pressed', String(tab.checked));
    button.addEventListener('click', () => openLeaf(index));
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
