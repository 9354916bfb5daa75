// Says once when somebody comes near the landscapes: drawing them takes a browser longer than all the rest.
const observer = new IntersectionObserver((seen) => {
  if (!seen.some((one) => one.isIntersecting)) return;
  observer.disconnect();
  props.value = 'near';
}, { rootMargin: '250px' });
const watching = setInterval(() => {
  const area = document.querySelector('#t2-landscape-area');
  if (!area) return;
  clearInterval(watching);
  observer.observe(area);
}, 200);
