// @ts-check
// The list of names at the right: of objects with their counts, of areas with their shares.

import { byId, make } from "./elements.js";
import { colourOf } from "./palette.js";

/** @typedef {{ label: string, class_id: number, value: string, detail: string, isBare?: boolean }} NameRow */

const list = byId("names", HTMLUListElement);
/** @type {Map<string, HTMLButtonElement>} */
const buttons = new Map();

/**
 * @param {readonly NameRow[]} rows
 * @param {ReadonlySet<string>} chosen
 * @param {(label: string) => void} toggle
 */
export function showNames(rows, chosen, toggle) {
  const focused = document.activeElement;
  const items = rows.map((row) => {
    const button = buttons.get(row.label) ?? made(row.label, toggle);
    buttons.set(row.label, button);
    fill(button, row, chosen.has(row.label));
    return button.parentElement ?? make("li", {}, [button]);
  });
  const same = items.length === list.children.length && items.every((item, i) => item === list.children[i]);
  if (same) return;
  list.replaceChildren(...items);
  // A moved element loses the focus that a person of the keyboard left on it.
  if (focused instanceof HTMLElement && list.contains(focused)) focused.focus();
}

export function clearNames() {
  buttons.clear();
  list.replaceChildren();
}

/** @param {string} label @param {(label: string) => void} toggle */
function made(label, toggle) {
  const button = make("button", { className: "name" }, [
    make("span", { className: "swatch" }),
    make("span", { className: "name-label", text: label }),
    make("span", { className: "name-detail quiet" }),
    make("span", { className: "name-value" }),
  ]);
  button.type = "button";
  button.dataset.label = label;
  button.addEventListener("click", () => toggle(label));
  return button;
}

/** @param {HTMLButtonElement} button @param {NameRow} row @param {boolean} isChosen */
function fill(button, row, isChosen) {
  button.setAttribute("aria-pressed", String(isChosen));
  const [swatch, , detail, value] = button.children;
  const isBare = row.isBare === true && !isChosen;
  if (swatch instanceof HTMLElement) {
    swatch.style.backgroundColor = isBare ? "transparent" : colourOf(row.class_id);
  }
  if (detail) detail.textContent = row.detail;
  if (value) value.textContent = row.value;
}
