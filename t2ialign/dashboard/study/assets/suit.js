(compare, aspect, kind, checks) => {
  if ('__SAID__' === 'aspect' && aspect === 'varied') compare = 'sets';
  if (compare !== 'sets' && aspect === 'varied') aspect = 'fits';
  if (compare === 'arena') [kind, checks] = ['pick', 0];
  return [compare, aspect, kind, checks];
}
