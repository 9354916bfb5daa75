// Sorting happens here and outlives a new table; everything else is told to the server.
let order = null;
const cells = (row) => [...row.children];
const worth = (cell) => {
  const value = cell.dataset.value ?? cell.textContent;
  return value === '' || Number.isNaN(Number(value)) ? value : Number(value);
};
const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));

function sort() {
  const body = element.querySelector('tbody');
  if (!order || !body) return;
  const heads = [...element.querySelectorAll('thead th')];
  heads.forEach((head, i) => { if (head.hasAttribute('aria-sort')) head.setAttribute('aria-sort', i === order.column ? order.way : 'none'); });
  const sign = order.way === 'ascending' ? 1 : -1;
  const rows = [...body.rows].map((row) => [row, worth(cells(row)[order.column])]);
  const unknown = (value) => value === '' || value === 'nan';
  rows.sort(([, a], [, b]) => (unknown(a) - unknown(b)) || sign * compare(a, b)); // what is unknown comes last either way
  const sorted = rows.map(([row]) => row);
  if (sorted.some((row, i) => row !== body.rows[i])) body.append(...sorted);
}

// A new table stands where the one before was scrolled to.
let shownTable = element.querySelector('.t2-runs');
let place = [0, 0];
element.addEventListener('scroll', ({ target }) => { if (target === shownTable) place = [target.scrollLeft, target.scrollTop]; }, true);
function renewed() {
  sort();
  const table = element.querySelector('.t2-runs');
  if (!table || table === shownTable) return;
  shownTable = table;
  table.scrollTo(...place);
}
new MutationObserver(renewed).observe(element, { childList: true, subtree: true });

const rowOf = (event) => event.target.closest('tr');
const tell = (act, more) => trigger('select', { act, ...more });

element.addEventListener('click', (event) => {
  const head = event.target.closest('.t2-sort')?.closest('th');
  if (head) {
    const column = head.cellIndex;
    order = { column, way: order?.column === column && order.way === 'descending' ? 'ascending' : 'descending' };
    sort();
    return;
  }
  const shown = event.target.closest('.t2-show-run');
  if (shown) { tell('show', { checkpoint: shown.dataset.checkpoint }); return; }
  const gone = event.target.closest('.t2-restore-run');
  if (gone) { tell('restore', { checkpoint: gone.dataset.checkpoint }); return; }
  const row = rowOf(event);
  if (!row?.dataset.point) return;
  if (event.target.closest('.t2-star')) tell('star', { checkpoint: row.dataset.checkpoint });
  else if (event.target.closest('.t2-rename')) {
    const look = { className: 't2-new-name', maxLength: 40 };
    const called = (title) => tell('rename', { checkpoint: row.dataset.checkpoint, title });
    rename(event.target.closest('.t2-rename'), row.querySelector('.t2-open-run'), look, called);
  }
  else if (event.target.closest('.t2-hide')) tell('hide', { checkpoint: row.dataset.checkpoint });
  else if (event.target.closest('.t2-delete')) tell('delete', { checkpoint: row.dataset.checkpoint });
  else if (event.target.closest('.t2-open-run')) tell('open', { point: row.dataset.point });
});
element.addEventListener('change', (event) => {
  const row = rowOf(event);
  if (event.target.matches('.t2-run-note')) tell('note', { checkpoint: row.dataset.checkpoint, note: event.target.value });
  if (!event.target.matches('.t2-tick')) return;
  const most = 6;
  const others = [...element.querySelectorAll('.t2-tick:checked')].filter((tick) => tick !== event.target);
  if (event.target.checked && others.length >= most) others[0].checked = false;
  trigger('input');
});
element.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.target.matches('.t2-run-note')) event.target.blur();
});
