// A picture, or a set, as large as the screen allows; arrows turn over, and it can be chosen there too.
import { make, button } from './rate.make.js';

export function largeView(pick, label) {
  let options = [];
  let place = 0;
  let after = null; // what has the focus once the view is closed
  const stage = make('div', { class: 'rate-stage' });
  const title = make('span', { 'aria-live': 'polite' });
  const choose = button('', () => { pick(place); }, 'rate-button first');
  const turn = (step) => { place = (place + step + options.length) % options.length; draw(); };
  const bar = make('div', { class: 'rate-large-bar' }, arrow('Previous', '\u2039', -1), choose, arrow('Next', '\u203a', 1));
  const close = button('\u00d7', () => dialog.close(), 'rate-plain rate-close');
  close.setAttribute('aria-label', 'Close');
  const dialog = make('dialog', { class: 'rate-large', 'aria-label': 'Large view' }, make('div', { class: 'rate-large-top' }, title, close), stage, bar);
  document.body.append(dialog);

  function arrow(name, sign, step) {
    const made = button(sign, () => turn(step), 'rate-plain rate-turn');
    made.setAttribute('aria-label', name);
    return made;
  }

  function draw() {
    const many = options[place].length > 1;
    title.textContent = `${many ? 'Set' : 'Picture'} ${place + 1} of ${options.length}`;
    stage.replaceChildren(...options[place].map((source) => make('img', { src: source, alt: `${title.textContent}, large` })));
    stage.style.setProperty('--columns', Math.ceil(Math.sqrt(options[place].length)));
    repaint();
  }

  function repaint() { choose.textContent = label(place); }

  dialog.addEventListener('close', () => after?.focus({ preventScroll: true }));
  dialog.addEventListener('click', (event) => { if (event.target === dialog || event.target === stage) dialog.close(); });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') turn(-1);
    else if (event.key === 'ArrowRight') turn(1);
    else if (event.key === 'Backspace') dialog.close();
    else return;
    event.preventDefault();
  });
  return {
    open(all, at, then) { options = all; place = at; after = then; draw(); dialog.showModal(); close.focus(); },
    close() { if (dialog.open) dialog.close(); },
    isOpen: () => dialog.open,
    repaint() { if (dialog.open) repaint(); },
    remove: () => dialog.remove(),
  };
}
