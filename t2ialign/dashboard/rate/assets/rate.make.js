// Elements without markup: what anybody wrote becomes text, never HTML.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(text, act, name = 'rate-button') {
  const element = make('button', { type: 'button', class: name }, text);
  element.addEventListener('click', act);
  return element;
}

export const paragraphs = (text) => (text ?? '').split(/\n\s*\n/).filter((part) => part.trim()).map((part) => make('p', {}, part.trim()));
