// What is compared, a row each, with pickers; the value is the list of rows as the server reads it.
const OTHER = '\u2026';
const list = element.querySelector('.t2-contender-rows');
const add = element.querySelector('.t2-contender-add');
const rows = () => (Array.isArray(props.value) ? props.value : []);
const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// The name that a row has until somebody writes another one: its checkpoint, its CFG where that tells rows apart, its metric.
function usual(row, all) {
  const twins = all.filter((one) => one.checkpoint === row.checkpoint && one.metric === row.metric);
  const scales = new Set(twins.map((one) => one.guidance_scale)).size > 1;
  const words = [row.metric || row.checkpoint, scales ? `CFG ${row.guidance_scale}` : ''];
  return words.filter(Boolean).join(' ').replaceAll('+', ' & ');
}

function changed(at, change) {
  const before = rows();
  const named = before.map((row) => row.name === usual(row, before) || !row.name);
  const after = before.map((row, place) => ({ ...row, ...(place === at ? change : {}) }));
  if ('name' in change) named[at] = false;
  keep(after.map((row, place) => (named[place] ? { ...row, name: usual(row, after) } : row)));
}

function keep(value) {
  props.value = value;
  trigger('input');
  list.querySelectorAll('.t2-contender').forEach((line, at) => {
    const name = line.querySelector('.t2-name');
    if (value[at] && document.activeElement !== name) name.value = value[at].name;
  });
}

function picker(options, value, label, act) {
  const known = options.includes(value) || !value ? options : [...options, value];
  const made = make('select', { 'aria-label': label }, ...known.map((one) => make('option', { value: one }, one || 'none')));
  made.value = value;
  made.addEventListener('change', () => act(made.value));
  return made;
}

function checkpointPicker(row, at) {
  const made = picker([...(props.checkpoints ?? []), OTHER], row.checkpoint, 'Checkpoint', (value) => {
    if (value !== OTHER) return changed(at, { checkpoint: value });
    const typed = make('input', { type: 'text', 'aria-label': 'Checkpoint or blend', placeholder: 'a blend: one@0.5+other@0.5' });
    typed.addEventListener('input', () => changed(at, { checkpoint: typed.value.trim() }));
    made.replaceWith(typed);
    typed.focus();
  });
  made.querySelector(`option[value="${OTHER}"]`).textContent = 'Another, or a blend\u2026';
  return made;
}

function line(row, at, count) {
  const scale = make('input', { type: 'number', step: '0.5', min: '0', 'aria-label': 'CFG', inputmode: 'decimal' });
  scale.value = row.guidance_scale;
  scale.addEventListener('input', () => changed(at, { guidance_scale: scale.value === '' ? null : Number(scale.value) }));
  const name = make('input', { type: 'text', class: 't2-name', 'aria-label': 'Name' });
  name.value = row.name;
  name.addEventListener('input', () => changed(at, { name: name.value }));
  const drop = make('button', { type: 'button', class: 't2-contender-drop', 'aria-label': `Remove ${row.name}` }, '\u00d7');
  drop.disabled = count < 3;
  drop.addEventListener('click', () => { keep(rows().filter((_, place) => place !== at)); draw(); add.focus(); });
  const field = (label, input, kind = '') => make('label', { class: `t2-contender-field ${kind}` }, make('span', {}, label), input);
  const metric = picker(['', ...(props.metrics ?? [])], row.metric, 'Metric', (value) => changed(at, { metric: value }));
  return make('div', { class: 't2-contender', role: 'group', 'aria-label': `Number ${at + 1}` },
    field('Checkpoint', checkpointPicker(row, at)), field('CFG', scale, 'short'), field('Metric', metric, 'metric'),
    field('Name', name, 'named'), drop);
}

function draw() {
  const all = rows();
  list.replaceChildren(...all.map((row, at) => line(row, at, all.length)));
}

add.addEventListener('click', () => {
  const all = rows();
  const last = all.at(-1) ?? { checkpoint: 'base', guidance_scale: 4, metric: '' };
  const used = new Set(all.map((row) => row.checkpoint));
  const checkpoint = (props.checkpoints ?? []).find((name) => !used.has(name)) ?? last.checkpoint;
  const more = [...all, { ...last, checkpoint, name: '' }];
  keep(more);
  changed(more.length - 1, {});
  draw();
  list.lastChild.querySelector('select').focus();
});
watch(['value', 'checkpoints', 'metrics'], draw);
draw();
