// An arena: who made what, once it has been answered, and where everybody stands.
import { make, button } from './rate.make.js';

// Names the pictures of the round on show; `next` goes on, by button, Enter or the right arrow. Returns what takes it away.
export function reveal(main, foot, made, next) {
  main.querySelectorAll('.rate-option').forEach((option, place) => {
    option.append(make('p', { class: 'rate-made' }, make('span', {}, `Picture ${place + 1} is by `), make('b', {}, made[place] ?? 'nobody')));
  });
  const go = button('Next pair', next, 'rate-button first');
  const key = (event) => {
    if (event.key !== 'ArrowRight' && !(event.key === 'Enter' && event.target.tagName !== 'BUTTON')) return;
    event.preventDefault();
    next();
  };
  document.addEventListener('keydown', key);
  foot.replaceChildren(go);
  foot.hidden = false;
  go.focus({ preventScroll: true });
  main.querySelector('.rate-made')?.scrollIntoView({ block: 'nearest' });
  return () => document.removeEventListener('keydown', key);
}

// The leaderboard: a row a contender, its points with their interval drawn to one scale.
export function board(told) {
  if (!told.standings.length) return make('p', { class: 'rate-quiet' }, told.note || 'Nobody stands anywhere yet.');
  const ends = told.standings.flatMap(({ points }) => [points.lo, points.hi, points.mean]).filter(Number.isFinite);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const at = (value) => `${(100 * (value - low)) / Math.max(high - low, 1)}%`;
  const rows = told.standings.map(({ name, points, wins, losses, ties }, place) => {
    const bar = make('i', {});
    const dot = make('b', {});
    bar.style.left = at(points.lo ?? points.mean);
    bar.style.right = `calc(100% - ${at(points.hi ?? points.mean)})`;
    dot.style.left = at(points.mean);
    const around = Number.isFinite(points.lo) ? ` (${Math.round(points.lo)} to ${Math.round(points.hi)})` : '';
    return make('tr', {}, make('td', {}, String(place + 1)), make('th', { scope: 'row' }, name),
      make('td', { class: 'points' }, make('b', {}, String(Math.round(points.mean))), around, make('span', { class: 'rate-scale', 'aria-hidden': 'true' }, bar, dot)),
      make('td', {}, `${wins} / ${losses} / ${ties}`));
  });
  const head = ['', 'Who', 'Points', 'Won / lost / tied'].map((text) => make('th', { scope: 'col' }, text));
  const table = make('table', { class: 'rate-board' }, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows));
  const said = `${told.votes} comparisons. 1000 is the mean; 400 points more mean odds of 10 to 1. Where intervals overlap, the order may be chance.`;
  return make('section', { class: 'rate-standings', 'aria-label': 'Standings' }, make('h2', {}, 'Standings'), table,
    make('p', { class: 'rate-quiet' }, said), ...(told.note ? [make('p', { class: 'rate-quiet' }, told.note)] : []));
}
