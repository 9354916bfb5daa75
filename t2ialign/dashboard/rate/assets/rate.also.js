// What is asked besides which of two: how many kinds each set shows, and how sure the rater is. Nothing where neither is.
import { make, button } from './rate.make.js';

// `changed` hears of every change; `numbered` is the number of the first key that is still free.
export function alsoAsked(about, round, changed, numbered) {
  const sizes = about.count ? round.options.map((sources) => sources.length) : [];
  const counts = sizes.map((_, place) => round.answer?.counts?.[place] ?? 0); // 0: not said yet
  let sure = round.answer?.confidence ?? '';
  const steppers = sizes.map((size, place) => stepper(size, place));
  const levels = (about.sure?.levels ?? []).map(([name, text], at) => {
    const made = button(text, () => say(at));
    made.append(make('kbd', { 'aria-hidden': 'true' }, String(numbered + at)));
    return [name, made];
  });
  const group = levels.length ? make('div', { class: 'rate-sure', role: 'group', 'aria-labelledby': 'rate-sure' },
    make('span', { id: 'rate-sure' }, about.sure.question), make('div', {}, ...levels.map(([, made]) => made))) : null;

  function stepper(size, place) {
    const name = `${about.count.label}, set ${place + 1}`;
    const value = make('span', { role: 'spinbutton', tabindex: '0', 'aria-label': name, 'aria-valuemin': '1', 'aria-valuemax': String(size) });
    const step = (by) => set(place, Math.min(Math.max(counts[place] + by, 1), size));
    const less = button('\u2212', () => step(-1), 'rate-step');
    const more = button('+', () => step(1), 'rate-step');
    less.setAttribute('aria-label', `Fewer: ${name}`);
    more.setAttribute('aria-label', `More: ${name}`);
    for (const one of [less, more]) one.tabIndex = -1; // keys count on the number itself
    value.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const to = { ArrowUp: counts[place] + 1, ArrowDown: counts[place] - 1, Home: 1, End: size }[event.key]
        ?? (/^[1-9]$/.test(event.key) ? Number(event.key) : null);
      if (to === null) return;
      event.preventDefault();
      event.stopPropagation();
      set(place, Math.min(Math.max(to, 1), size));
    });
    const row = make('div', { class: 'rate-count' }, make('span', { 'aria-hidden': 'true' }, about.count.label), less, value, more);
    return { row, value, less, more, size };
  }

  function set(place, count) {
    if (steppers[place].value.getAttribute('aria-disabled') === 'true') return;
    counts[place] = count;
    paint();
    changed();
  }

  function say(at) {
    sure = levels[at][0];
    paint();
    changed();
  }

  function paint() {
    steppers.forEach(({ value, less, more, size }, place) => {
      const count = counts[place];
      value.textContent = count ? String(count) : '\u2013';
      if (count) value.setAttribute('aria-valuenow', String(count));
      value.setAttribute('aria-valuetext', count ? String(count) : 'not counted yet');
      less.disabled = count <= 1;
      more.disabled = count >= size;
    });
    for (const [name, made] of levels) made.setAttribute('aria-pressed', String(sure === name));
  }

  const uncounted = () => {
    const open = counts.flatMap((count, place) => (count ? [] : [place + 1]));
    return open.length ? [open.length > 1 ? 'both counts' : `count of set ${open[0]}`] : [];
  };

  paint();
  return {
    asked: steppers.length + levels.length > 0,
    row: (place) => (steppers[place] ? [steppers[place].row] : []),
    group: group ? [group] : [],
    places: (place) => (steppers[place] ? [steppers[place].value] : []),
    levels: levels.map(([, made]) => made),
    say,
    // What is still to be said, in the order of the questions; `between` is the choice, if that is.
    lacking: (between) => [...uncounted(), ...between, ...(levels.length && !sure ? ['how sure'] : [])],
    said: () => ({ ...(steppers.length ? { counts: [...counts] } : {}), ...(levels.length ? { confidence: sure } : {}) }),
    disable() {
      for (const { value, less, more } of steppers) { value.setAttribute('aria-disabled', 'true'); less.disabled = more.disabled = true; }
      for (const [, made] of levels) made.disabled = true;
    },
  };
}
