// Elements without markup: text is always text. Nothing here, and nothing else of the page, parses HTML.

const PROPERTIES = new Set(['value', 'checked', 'selected', 'disabled', 'hidden', 'open', 'readOnly', 'indeterminate']);
const REFUSED = /^(innerhtml|outerhtml|srcdoc|style)$/i;

function set(element, name, value) {
  if (REFUSED.test(name)) throw new TypeError(`h() takes no ${name}`);
  if (name.startsWith('on')) {
    if (typeof value !== 'function') throw new TypeError(`${name} takes a function`);
    element.addEventListener(name.slice(2).toLowerCase(), value);
  } else if (PROPERTIES.has(name)) {
    element[name] = value;
  } else if (value !== false && value !== null && value !== undefined) {
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

// Children: nodes, text, numbers, arrays of those; null, undefined and false are left out.
function put(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) put(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

// h('a', {class: 'x', href: '#/', onclick: f}, 'text', other): attributes by their names in HTML; on… are listeners.
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  // The value of a <select> counts once its options are there, and that of an <input> once its type is.
  for (const [name, value] of Object.entries(props ?? {})) if (name !== 'value') set(element, name, value);
  put(element, children);
  if (props && 'value' in props) set(element, 'value', props.value);
  return element;
}

// Puts these in place of all that the element holds.
export function fill(element, ...children) {
  element.replaceChildren();
  return put(element, children);
}

let count = 0;

// An id for a label, a description: unique in the page.
export function freshId(stem = 'x') {
  count += 1;
  return `${stem}-${count}`;
}

// A labelled input with an optional hint: {field, input}. props as for h(); tag: input, textarea, select.
export function labelled(text, tag, props = {}, { hint, children = [] } = {}) {
  const id = props.id ?? freshId('field');
  const hintId = hint ? `${id}-hint` : null;
  const input = h(tag, { ...props, id, 'aria-describedby': hintId }, ...children);
  const check = props.type === 'checkbox' || props.type === 'radio';
  const label = h('label', { for: id }, text);
  const field = h('div', { class: check ? 'field check' : 'field' }, check ? [input, label] : [label, input],
    hint && h('p', { class: 'hint', id: hintId }, hint));
  return { field, input };
}

// A form that goes nowhere: submit(event) may be async; its button is off meanwhile, and what it throws goes to failed.
export function form(props, submit, failed, ...children) {
  const element = h('form', props, ...children);
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    const buttons = [...element.querySelectorAll('button')].filter((button) => !button.disabled);
    for (const button of buttons) button.disabled = true;
    element.setAttribute('aria-busy', 'true');
    try {
      await submit(event);
    } catch (error) {
      failed(error);
    } finally {
      for (const button of buttons) button.disabled = false;
      element.removeAttribute('aria-busy');
    }
  });
  return element;
}
