// @ts-check
// The menu of models: task, accuracy and speed of each, and why one cannot be chosen.

import { byId, make } from "./elements.js";
import { taskOf } from "./tasks/table.js";

/** @import { Pack } from "./types.js" */

const button = byId("model-button", HTMLButtonElement);
const menu = byId("model-menu", HTMLElement);
const list = byId("model-list", HTMLElement);

/** @param {Pack} pack @returns {string} why the page cannot use it, or "" */
export function reasonAgainst(pack) {
  return taskOf(pack.task).reasonAgainst(pack);
}

/** @param {Pack} pack */
export function keyOf(pack) {
  return `${pack.name}@${pack.version}`;
}

/** @param {Pack} pack @returns {string} "objects · 31 ms" */
export function shortFacts(pack) {
  return [taskOf(pack.task).words || pack.task, speed(pack)].filter(Boolean).join(" · ");
}

/** @param {readonly Pack[]} packs @param {Pack | null} current shown on the button */
export function showCurrent(packs, current) {
  button.disabled = packs.length === 0;
  byId("model-name", HTMLElement).textContent = current ? nameOf(current, packs) : "none";
  byId("model-facts", HTMLElement).textContent = current ? shortFacts(current) : "";
}

/**
 * @param {readonly Pack[]} packs
 * @param {Pack | null} current
 * @param {(pack: Pack) => void} choose
 */
export function showModels(packs, current, choose) {
  const chosen = current && keyOf(current);
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...packs.map((pack) => row(pack, packs, keyOf(pack) === chosen, choose)));
  if (hadFocus) focusChecked();
}

export function toggleMenu() {
  menu.togglePopover();
}

/** @param {() => void} opened called each time: packs may have been loaded meanwhile */
export function watchMenu(opened) {
  menu.addEventListener("toggle", (event) => {
    const isOpen = event instanceof ToggleEvent && event.newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    place();
    focusChecked();
    opened();
  });
  menu.addEventListener("click", (event) => {
    // Arrow keys click, too, but count no clicks: they keep the menu open.
    const label = event.target instanceof Element ? event.target.closest("label") : null;
    if (event.detail > 0 && label?.querySelector("input:enabled")) menu.hidePopover();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // else the same Enter would press the button that gets the focus
    menu.hidePopover();
    button.focus();
  });
}

function focusChecked() {
  const checked = list.querySelector("input:checked") ?? list.querySelector("input:enabled");
  if (checked instanceof HTMLElement) checked.focus();
}

/** Under its button, within the window. */
function place() {
  const { left, bottom } = button.getBoundingClientRect();
  menu.style.top = `${bottom + 6}px`;
  menu.style.left = `${Math.max(12, Math.min(left, innerWidth - menu.offsetWidth - 12))}px`;
}

/** @param {Pack} pack @param {readonly Pack[]} packs @param {boolean} isCurrent @param {(pack: Pack) => void} choose */
function row(pack, packs, isCurrent, choose) {
  const reason = reasonAgainst(pack);
  const input = make("input");
  input.type = "radio";
  input.name = "model";
  input.value = keyOf(pack);
  input.checked = isCurrent;
  input.disabled = reason !== "";
  input.addEventListener("change", () => choose(pack));
  const facts = [reason || shortFacts(pack), pack.accuracy].filter(Boolean).join(" · ");
  return make("label", { className: "model" }, [
    input,
    make("span", { className: "model-title", text: nameOf(pack, packs) }),
    make("span", { className: "quiet", text: facts }),
    make("span", { className: "quiet", text: pack.description }),
  ]);
}

/** With its version where there are several. @param {Pack} pack @param {readonly Pack[]} packs */
export function nameOf(pack, packs) {
  return hasSiblings(pack, packs) ? keyOf(pack) : pack.name;
}

/** @param {Pack} pack @param {readonly Pack[]} packs whether other versions are loaded, too */
export function hasSiblings(pack, packs) {
  return packs.some((other) => other.name === pack.name && other.version !== pack.version);
}

/** @param {Pack} pack */
function speed({ speed_seconds: seconds }) {
  return seconds === null || seconds === undefined ? "" : formatSeconds(seconds);
}

/** @param {number} seconds */
export function formatSeconds(seconds) {
  if (seconds < 0.001) return "under 1 ms";
  if (seconds < 0.0995) return `${(seconds * 1000).toPrecision(2).replace(/\.0$/, "")} ms`;
  return seconds < 0.9995 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(1)} s`;
}
