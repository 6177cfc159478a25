// @ts-check
// The page's own elements, found by id with the type they have to be.

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html has no ${kind.name} #${id}`);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{ className?: string, text?: string }} [look]
 * @param {readonly Node[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, look = {}, children = []) {
  const element = document.createElement(tag);
  if (look.className) element.className = look.className;
  if (look.text !== undefined) element.textContent = look.text;
  element.append(...children);
  return element;
}

/** Only where it changed, so that a live region is not read twice. @param {string} id @param {string} text */
export function setText(id, text) {
  const element = byId(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}
