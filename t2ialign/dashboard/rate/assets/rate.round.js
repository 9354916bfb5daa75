// One round: the prompt, the pictures, and an answer by touch, pointer or keyboard.
// An answer is { chosen: [places], verdict }: those selected, the one picked ('tie' or 'neither' instead), or the ranking.
// Where a study asks for more (rate.also.js), a pick waits for the rest and for Next; the answer has counts and confidence too.
import { alsoAsked } from './rate.also.js';
import { make, button } from './rate.make.js';
import { largeView } from './rate.large.js';

export function drawRound(main, foot, about, round, give, back) {
  const kind = about.kind;
  const many = round.options.some((sources) => sources.length > 1);
  const most = Math.min(round.most, round.options.length);
  let chosen = [...(round.answer?.chosen ?? [])];
  let verdict = round.answer?.verdict ?? '';
  let started = 0;
  let over = false;
  const also = alsoAsked(about, round, () => { if (!over) paint(); }, round.options.length + (about.verdicts?.length ?? 0) + 1);
  const atOnce = kind === 'pick' && !also.asked;
  const options = round.options.map((sources, place) => option(sources, place, round.options.length));
  const heading = make('h1', { class: 'rate-prompt', tabindex: '-1' }, round.prompt);
  const go = button('', () => finish(), 'rate-button first');
  const extra = kind === 'pick' ? about.verdicts.map(([name, text], at) => {
    const made = button(text, () => judge(name));
    made.append(make('kbd', { 'aria-hidden': 'true' }, String(options.length + at + 1)));
    return [name, made];
  }) : [];
  const large = largeView((place) => pick(place), (place) => label(place));

  function option(sources, place, count) {
    const images = sources.map((source, at) => make('img', { src: source, draggable: 'false',
      alt: many ? `Picture ${at + 1} of set ${place + 1}` : `Picture ${place + 1}` }));
    const name = many ? `Set ${place + 1}` : `Picture ${place + 1}`;
    const look = button('', (event) => large.open(options.map((one) => one.sources), place, event.detail ? heading : look), 'rate-look');
    look.append(make('span', { class: many ? 'rate-set' : 'rate-one' }, ...images));
    if (many) look.lastChild.style.setProperty('--columns', Math.ceil(Math.sqrt(images.length)));
    look.setAttribute('aria-label', `${name} of ${count}, show it large`);
    const choose = button('', () => pick(place), 'rate-choose');
    choose.replaceChildren(make('b'));
    return { sources, images, name, look, choose };
  }

  function label(place) {
    if (kind === 'rank' && chosen.includes(place)) return `${place + 1}: place ${chosen.indexOf(place) + 1}`;
    return chosen.includes(place) ? `${place + 1}: chosen` : `${place + 1}: choose`;
  }

  function pick(place) {
    if (over || !started) return;
    if (kind === 'pick') chosen = [place];
    else if (chosen.includes(place)) chosen = chosen.filter((one) => one !== place);
    else if (chosen.length < most) chosen = [...chosen, place];
    verdict = '';
    paint();
    if (atOnce) finish();
  }

  function judge(name) {
    if (over || !started) return;
    [chosen, verdict] = [[], name];
    paint();
    if (atOnce) finish();
  }

  function paint() {
    options.forEach(({ look, choose, name }, place) => {
      const on = chosen.includes(place);
      choose.firstChild.textContent = label(place);
      choose.setAttribute('aria-pressed', String(on));
      choose.setAttribute('aria-label', `${label(place)}, ${name.toLowerCase()}`);
      look.parentElement?.toggleAttribute('data-on', on);
    });
    for (const [name, made] of extra) made.setAttribute('aria-pressed', String(verdict === name));
    const none = many ? 'None of the sets' : 'None of the pictures';
    lacking.textContent = missing().length ? `Still to say: ${missing().join(', ')}.` : 'Everything is said.';
    go.textContent = kind === 'pick' ? 'Next' : kind === 'rank' ? `Next: ${chosen.length} of ${most} in order` : chosen.length ? `Next: ${chosen.length} chosen` : none;
    go.disabled = unfinished();
    large.repaint();
  }

  const lacking = make('p', { class: 'rate-lacking', 'aria-live': 'polite' });
  const missing = () => also.lacking(chosen.length || verdict ? [] : ['which set']);
  const unfinished = () => (also.asked ? missing().length > 0 : kind === 'rank' && chosen.length < most);

  function finish() {
    if (over || !started || unfinished()) return;
    over = true;
    large.close();
    for (const one of [go, ...options.map((each) => each.choose), ...extra.map(([, made]) => made)]) one.disabled = true;
    also.disable();
    give({ chosen: kind === 'select' ? [...chosen].sort((a, b) => a - b) : chosen, verdict, ...also.said() }, performance.now() - started);
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || large.isOpen() || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const number = Number(event.key);
    if (number >= 1 && number <= options.length) pick(number - 1);
    else if (number > options.length && number <= options.length + extra.length) judge(extra[number - options.length - 1][0]);
    else if (number > options.length + extra.length && number <= options.length + extra.length + also.levels.length) {
      if (!over && started) also.say(number - options.length - extra.length - 1);
    } else if (event.key === 'Backspace') { event.preventDefault(); if (!over) back(); }
    else if (event.key === 'Enter' && event.target.tagName !== 'BUTTON' && !atOnce) { event.preventDefault(); finish(); }
    else if (event.key.startsWith('Arrow')) { event.preventDefault(); walk(event.key); }
  }

  function walk(name) {
    const places = [...options.flatMap((one, place) => [...also.places(place), one.choose]), ...also.levels, ...extra.map(([, made]) => made), ...(atOnce ? [] : [go])];
    const step = name === 'ArrowRight' || name === 'ArrowDown' ? 1 : -1;
    const at = places.indexOf(document.activeElement);
    places[at < 0 ? (step > 0 ? 0 : places.length - 1) : (at + step + places.length) % places.length].focus();
  }

  // After a click of a pointer, Enter should go on and not press the same button again (the large view does likewise).
  const release = (event) => { if (event.detail > 0 && event.target.closest('.rate-choose, .rate-step, .rate-sure button')) heading.focus({ preventScroll: true }); };
  const grid = make('div', { class: many ? 'rate-options sets' : 'rate-options', role: 'group', 'aria-label': 'Pictures', 'data-count': String(options.length) },
    ...options.map(({ look, choose }, place) => make('div', { class: 'rate-option' }, look, ...also.row(place), choose)));
  grid.classList.toggle('asked', also.asked);
  for (const part of [grid, ...also.group]) part.addEventListener('click', release);
  const last = options.length + extra.length;
  const besides = `${about.count ? ', arrows reach the counts, where digits count' : ''}${also.levels.length ? `, ${last + 1} to ${last + also.levels.length} say how sure` : ''}`;
  const hint = `Keys: 1 to ${last} choose${besides}${atOnce ? '' : ', Enter goes on'}, Backspace goes back.`;
  main.replaceChildren(...(about.intro ? [make('p', { class: 'rate-intro' }, about.intro)] : []),
    ...(about.count ? [make('p', { class: 'rate-question' }, about.count.question)] : []),
    make('p', { class: 'rate-question', id: 'rate-question' }, about.question), heading, grid,
    ...also.group, make('p', { class: 'rate-hint' }, hint));
  foot.replaceChildren(...(also.asked ? [lacking] : []), ...extra.map(([, made]) => made), ...(atOnce ? [] : [go]));
  foot.hidden = false;
  paint();
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  document.addEventListener('keydown', key);
  const warning = lost();
  loaded(options.flatMap((one) => one.images), () => { if (!over) main.append(warning); }, () => over).then(() => {
    warning.remove();
    if (!over) { started = performance.now(); main.dataset.ready = round.trial ?? 'example'; }
  });
  return () => { over = true; delete main.dataset.ready; document.removeEventListener('keydown', key); large.remove(); foot.hidden = true; };
}

// Until all pictures are there, or the round is `over`: then the clock starts, and answers count. Those that fail are asked for again.
async function loaded(images, missing, over) {
  for (let wait = 1000; ; wait = Math.min(2 * wait, 5000)) {
    const ends = await Promise.all(images.map((image) => image.decode().then(() => true, () => false)));
    const failed = images.filter((_, place) => !ends[place]);
    if (!failed.length || over()) return;
    missing();
    await new Promise((done) => setTimeout(done, wait));
    for (const image of failed) image.src = image.getAttribute('src');
  }
}

function lost() {
  return make('div', { class: 'rate-problem', role: 'alert' },
    make('p', {}, 'A picture could not be loaded, so this round cannot be answered yet. Trying again.'), button('Try now', () => location.reload()));
}
