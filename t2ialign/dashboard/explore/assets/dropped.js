// A picture that is dropped anywhere on Explore is given to the field that reads its settings.
const field = () => document.querySelector('#t2-settings')?.querySelector('input[type=file]');
const carries = (event) => event.dataTransfer?.types.includes('Files') && field()?.closest('#t2-settings')?.getClientRects().length;
document.addEventListener('dragover', (event) => { if (carries(event)) event.preventDefault(); });
document.addEventListener('drop', (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  const files = new DataTransfer();
  for (const file of [...event.dataTransfer.files].slice(0, 1)) files.items.add(file);
  field().files = files.files;
  field().dispatchEvent(new Event('change', { bubbles: true }));
});
