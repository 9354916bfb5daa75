() => setTimeout(() => document.querySelector('#t2-grid-file')?.click(), 150)
