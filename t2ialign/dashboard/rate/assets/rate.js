// The participants' page: consent, an example, rounds, thanks. The survey's id lives in this browser alone.
import { board, reveal } from './rate.arena.js';
import { drawRound } from './rate.round.js';
import { make, button, paragraphs } from './rate.make.js';

const study = location.pathname.split('/').filter(Boolean).pop();
const key = new URLSearchParams(location.search).get('key') ?? ''; // of a draft's preview
const place = `t2ialign-rate-${study}`;
const main = document.getElementById('rate');
const bar = document.getElementById('rate-bar');
const foot = document.getElementById('rate-foot');
const say = document.getElementById('rate-say');
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

let about = {};
let survey = null; // { survey, code, example, rounds: [{ trial, prompt, options, most, answer, revision }] }
let leave = () => {}; // takes the present round's listeners away

const stored = () => { try { return JSON.parse(localStorage.getItem(place)) ?? {}; } catch { return {}; } };
const store = (changes) => {
  if (about.preview) return;
  try { localStorage.setItem(place, JSON.stringify({ ...stored(), ...changes })); } catch { /* private windows may refuse */ }
};
const forget = () => { try { localStorage.removeItem(place); } catch { /* as above */ } };

class Refused extends Error {}

// Asks again for as long as the server cannot be reached or is asked too often (429); what it refuses is refused at once.
async function ask(what, body = {}, patient = true) {
  for (let wait = 400; ; wait = Math.min(2 * wait, 5000)) {
    let why = 'The server cannot be reached just now.';
    try {
      const answer = await fetch(`${study}/${what}`, {
        method: 'POST', credentials: 'omit', cache: 'no-store',
        headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
      });
      if (answer.ok) { say.textContent = ''; return await answer.json(); }
      const { error } = await answer.json().catch(() => ({}));
      if (answer.status === 429) why = error ?? 'The server is asked too often just now.';
      else if (answer.status < 500) throw new Refused(error ?? 'This was refused.');
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    if (!patient) throw new Refused(`${why} Please try again.`);
    say.textContent = what === 'answer' ? `Not saved yet. ${why} Trying again; your answer is kept on this device.` : `${why} Trying again.`;
    await pause(wait);
  }
}

function show(...parts) {
  leave();
  leave = () => {};
  main.removeAttribute('aria-busy');
  main.replaceChildren(...parts);
  scrollTo(0, 0);
  const heading = main.querySelector('h1');
  if (heading) { heading.tabIndex = -1; heading.focus({ preventScroll: true }); }
}

function quiet(...parts) { // a page without bar and buttons
  bar.hidden = foot.hidden = true;
  show(...parts);
}

const problem = (text) => make('p', { class: 'rate-problem', role: 'alert' }, text);

function welcome() {
  const agree = make('input', { type: 'checkbox', id: 'rate-agree', required: '' });
  const groups = about.groups ?? [];
  const group = make('select', { id: 'rate-group', required: '' },
    make('option', { value: '' }, 'Please choose'), ...groups.map((name) => make('option', { value: name }, name)));
  const complaint = make('div', {});
  const start = make('button', { class: 'rate-button first', type: 'submit' }, 'Start');
  const form = make('form', { class: 'rate-form', novalidate: '' },
    make('section', { class: 'rate-consent', 'aria-label': 'Consent' }, make('h2', {}, 'Before you start'), ...paragraphs(about.consent)),
    make('label', { class: 'rate-check', for: 'rate-agree' }, agree, make('span', {}, 'I have read this and want to take part.')),
    ...(groups.length ? [make('label', { class: 'rate-field', for: 'rate-group' }, 'Which group are you in?', group)] : []),
    complaint, start);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!agree.checked) return complain(complaint, 'Please tick the box if you want to take part.', agree);
    if (groups.length && !group.value) return complain(complaint, 'Please choose your group.', group);
    start.disabled = true;
    try {
      survey = await ask('join', { group: group.value, consent: true, key });
    } catch (error) {
      start.disabled = false;
      return complain(complaint, error.message, start);
    }
    store({ survey: survey.survey, code: survey.code, trained: false, finished: false });
    return example();
  });
  const preview = make('p', { class: 'rate-answer' }, 'A preview: nothing that you answer here is kept.');
  quiet(...(about.preview ? [preview] : []), make('h1', {}, about.title), ...paragraphs(about.instructions),
    make('p', { class: 'rate-quiet' }, about.endless ? 'Two pictures at a time, for as long as you like. After each answer you are told who made them.'
      : `${about.rounds} rounds. You can stop at any time, and go back one step.`), form, withdrawal());
  if (about.endless && !about.preview) standings();
}

// Where everybody stands, below what is on show.
async function standings() {
  const place = make('div', {});
  main.append(place);
  try { place.replaceChildren(board(await ask('standings', {}, false))); } catch { /* nobody needs it to take part */ }
}

function complain(where, text, field) {
  where.replaceChildren(problem(text));
  field.focus();
}

function withdrawal() {
  const code = make('input', { id: 'rate-code', type: 'text', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'characters' });
  const said = make('div', {});
  const send = button('Withdraw', async () => {
    try {
      await ask('withdraw', { code: code.value.trim() }, false);
      forget();
      said.replaceChildren(make('p', { role: 'status' }, 'Withdrawn. The answers given under this code no longer count.'));
    } catch (error) { complain(said, error.message, code); }
  });
  return make('details', { class: 'rate-withdraw' }, make('summary', {}, 'Withdraw earlier answers'),
    make('label', { class: 'rate-field', for: 'rate-code' }, 'The code that you were given', code), send, said);
}

function example() {
  const shown = survey.example;
  const known = open();
  if (!shown || about.endless || stored().trained || known > 0) return next();
  head('An example', 0);
  const said = make('div', { 'aria-live': 'polite' });
  const begin = button('Begin', () => { store({ trained: true }); next(); }, 'rate-button first');
  const give = (answer) => {
    const first = about.kind === 'rank' ? answer.chosen.slice(0, 1) : answer.chosen;
    const counted = !about.count || answer.counts[shown.decoy] === 1;
    const agreed = counted && !first.includes(shown.decoy) && answer.verdict !== 'tie';
    said.replaceChildren(make('p', { class: 'rate-answer' }, make('b', {}, agreed ? 'Good. ' : 'We see it another way. '), shown.because));
    foot.replaceChildren(begin);
    said.firstChild.scrollIntoView({ block: 'nearest' });
    begin.focus();
  };
  leave();
  leave = drawRound(main, foot, { ...about, intro: about.count ? `An example first, which is not kept. ${about.count.about}` : 'An example first. It does not count.' }, { ...shown, trial: null, answer: null }, give, () => {});
  main.removeAttribute('aria-busy');
  main.append(said);
}

function head(text, done) {
  bar.hidden = false;
  const share = survey.rounds.length && !about.endless ? done / survey.rounds.length : 0;
  const back = button('Back', () => go(done - 1), 'rate-plain');
  back.setAttribute('aria-label', 'Back one step');
  back.disabled = done < 1;
  back.hidden = about.endless === true;
  const stop = button('Stop', stopping, 'rate-plain');
  const line = make('div', { class: 'rate-progress', role: 'progressbar', 'aria-label': 'Progress', 'aria-valuemin': '0',
    'aria-valuemax': String(survey.rounds.length), 'aria-valuenow': String(done) }, make('i'));
  line.firstChild.style.width = `${100 * share}%`;
  bar.replaceChildren(back, make('span', {}, text), stop, line);
}

const open = () => survey.rounds.findIndex((round) => !round.answer);
async function next() {
  if (about.endless && open() < 0) await more(survey.rounds.length);
  return go(open());
}

function go(at) {
  if (at < 0 || at >= survey.rounds.length) return finish();
  const round = survey.rounds[at];
  head(about.endless ? `Pair ${at + 1}` : `${at + 1} of ${survey.rounds.length}`, at);
  leave();
  leave = drawRound(main, foot, about, round, (answer, milliseconds) => give(at, answer, milliseconds),
    () => { if (at > 0 && !about.endless) go(at - 1); });
  main.removeAttribute('aria-busy');
  const upcoming = survey.rounds[at + 1];
  for (const source of upcoming ? upcoming.options.flat() : []) new Image().src = source;
}

async function give(at, answer, milliseconds) {
  const round = survey.rounds[at];
  const revision = round.revision + 1;
  const pending = { survey: survey.survey, trial: round.trial, answer, milliseconds: Math.round(milliseconds), revision };
  store({ pending });
  let kept = {};
  try {
    kept = await ask('answer', pending);
  } catch (error) {
    store({ pending: null });
    return quiet(make('h1', {}, 'This answer was not taken'), problem(error.message), button('Go on', resume, 'rate-button first'));
  }
  Object.assign(round, { answer, revision });
  store({ pending: null });
  if (about.endless && kept.made) {
    const going = more(at); // while the names are read
    leave();
    leave = reveal(main, foot, kept.made, async () => { await going; await next(); });
    return null;
  }
  return at + 1 < survey.rounds.length ? go(at + 1) : finish();
}

// Further rounds of an arena, in time.
async function more(at) {
  if (survey.rounds.length - at > 3) return;
  try {
    const told = await ask('more', { survey: survey.survey });
    const known = new Set(survey.rounds.map((round) => round.trial));
    survey.rounds.push(...told.rounds.filter((round) => !known.has(round.trial)));
  } catch { /* paused or closed: the next answer says so */ }
}

function finish() {
  if (open() >= 0) return go(open());
  store({ finished: true });
  return thanks();
}

function codeBox() {
  return make('p', { class: 'rate-code' }, make('span', {}, 'Your code'), make('b', { id: 'rate-own-code' }, survey.code));
}

function withdraw() {
  const said = make('div', {});
  const send = button('Withdraw my answers', async () => {
    try { await ask('withdraw', { code: survey.code }, false); } catch (error) { return said.replaceChildren(problem(error.message)); }
    forget();
    return quiet(make('h1', {}, 'Withdrawn'), make('p', {}, 'Your answers no longer count. Thank you for your time.'));
  });
  return make('div', {}, send, said);
}

function thanks() {
  const done = about.endless ? 'You have seen every picture of this arena. All your answers are saved.' : 'All your answers are saved. You can close this page now.';
  quiet(make('h1', {}, 'Thank you'), make('p', {}, done), codeBox(),
    make('p', { class: 'rate-quiet' }, 'Write the code down if you may want your answers withdrawn later: nothing else connects them to you.'),
    make('div', { class: 'rate-buttons' }, button('Answer another survey', () => { forget(); survey = null; welcome(); }), withdraw()));
  if (about.endless) standings();
}

function stopping() {
  quiet(make('h1', {}, 'Stop here?'),
    make('p', {}, 'What you have answered is saved. You can come back later on this device and go on where you stopped.'), codeBox(),
    make('div', { class: 'rate-buttons' }, button('Go on', next, 'rate-button first'), withdraw()));
  if (about.endless) standings();
}

async function resume() {
  const before = stored();
  if (about.preview || !before.survey) return welcome();
  if (before.pending) {
    await ask('answer', before.pending).catch(() => {}); // what the server refuses now it would refuse again
    store({ pending: null });
  }
  try {
    survey = { ...(await ask('survey', { survey: before.survey })), code: before.code };
  } catch {
    forget();
    return welcome();
  }
  return before.finished ? thanks() : example();
}

async function begin() {
  try {
    about = await ask('look', { key });
  } catch (error) {
    return quiet(make('h1', {}, 'No survey here'), make('p', {}, error.message));
  }
  document.title = about.title;
  if (about.sentence) {
    const before = stored();
    return quiet(make('h1', {}, about.title), make('p', {}, about.sentence), ...(before.survey ? [withdrawal()] : []));
  }
  return resume();
}

begin();
