// One slider over all cells: on its left the pictures of a chosen column or row, on its right each cell's own.
const slideGrid = (root) => {
  let kept = null; // what is compared, for tables that are drawn anew: another page, another order
  const lay = (table, chosen) => {
    for (const old of table.querySelectorAll('.t2-over')) old.remove();
    if (!chosen) return;
    const rows = [...table.tBodies[0].rows];
    const index = Number(chosen.slice(1));
    for (const cell of table.querySelectorAll('td')) {
      const row = chosen[0] === 'r' ? rows[index] : cell.parentElement;
      const other = row.cells[chosen[0] === 'c' ? index + 1 : cell.cellIndex];
      if (other === cell) continue;
      const twins = [...other.querySelectorAll('.t2-tile')];
      for (const [place, tile] of [...cell.querySelectorAll('.t2-tile.ready')].entries()) {
        const twin = twins[place]?.querySelector('img');
        if (twin) tile.querySelector('.t2-picture').append(Object.assign(new Image(), { src: twin.src, alt: '', className: 't2-over', draggable: false }));
      }
    }
  };
  const slide = (box, anew) => {
    const [select, range] = [box.querySelector('select'), box.querySelector('input')];
    const table = box.parentElement.querySelector('table.t2-grid');
    range.hidden = !select.value;
    if (anew) lay(table, select.value);
    table.style.setProperty('--split', `${range.value}%`);
    kept = select.value ? { words: select.selectedOptions[0].text, split: range.value } : null;
  };
  root.addEventListener('input', (event) => {
    const box = event.target.closest?.('.t2-grid-slider');
    if (box) slide(box, event.target.matches('select'));
  });
  if (root === document) return; // a file stays as it is
  new MutationObserver(() => {
    const box = root.querySelector('.t2-grid-slider:not([data-known])');
    if (!box) return;
    box.dataset.known = 'yes';
    const again = kept && [...box.querySelectorAll('option')].find((option) => option.text === kept.words);
    if (!again) return;
    again.selected = true;
    box.querySelector('input').value = kept.split;
    slide(box, true);
  }).observe(root, { childList: true, subtree: true, attributeFilter: ['data-known'] }); // Gradio takes it away again
};
