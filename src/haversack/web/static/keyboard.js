// @ts-check
// Shortcuts of one key, and the dialog that lists them.

import { byId, make } from "./elements.js";

/** @typedef {{ keys: string[], text: string, action: () => void }} Shortcut */

const STORED = "haversack-shortcuts";
const ARROW_PX = 60;
const dialog = byId("help-dialog", HTMLDialogElement);
const enabled = byId("shortcuts-on", HTMLInputElement);

/** @param {readonly Shortcut[]} shortcuts */
export function watchKeyboard(shortcuts) {
  const help = { keys: ["?"], text: "this help", action: () => dialog.showModal() };
  const all = [...shortcuts, help];
  byId("shortcuts", HTMLElement).replaceChildren(...all.flatMap(line));
  byId("help-button", HTMLElement).addEventListener("click", () => dialog.showModal());
  byId("help-close", HTMLElement).addEventListener("click", () => dialog.close());
  // Some people speak or switch their input: single keys must be able to rest (WCAG 2.1.4).
  enabled.checked = localStorage.getItem(STORED) !== "off";
  enabled.addEventListener("change", () => localStorage.setItem(STORED, enabled.checked ? "on" : "off"));
  const actions = new Map(all.flatMap(({ keys, action }) => keys.map((key) => [key, action])));
  document.addEventListener("keydown", (event) => {
    if (!enabled.checked || isTaken(event)) return;
    const action = actions.get(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** Whether the key belongs to the browser, or to what has the focus. @param {KeyboardEvent} event */
function isTaken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  if (document.querySelector("dialog[open]")) return true;
  // It closes an open menu, unless somebody prevents that.
  if (event.key === "Escape" && document.querySelector(":popover-open")) return true;
  const { target } = event;
  if (!(target instanceof HTMLInputElement)) return false;
  return !["radio", "range", "checkbox"].includes(target.type) || event.key.startsWith("Arrow");
}

/** @param {Shortcut} shortcut */
function line({ keys, text }) {
  const shown = keys.map((key) => make("kbd", { text: key === "Escape" ? "Esc" : key }));
  return [make("dt", {}, shown), make("dd", { text })];
}

/** Arrow keys move a zoomed photo. @param {import("./stage.js").Stage} stage */
export function watchArrows(stage) {
  /** @type {Map<string, [number, number]>} */
  const ways = new Map([
    ["ArrowLeft", [1, 0]],
    ["ArrowRight", [-1, 0]],
    ["ArrowUp", [0, 1]],
    ["ArrowDown", [0, -1]],
  ]);
  byId("stage", HTMLElement).addEventListener("keydown", (event) => {
    const way = ways.get(event.key);
    if (!way || !stage.isZoomed) return;
    event.preventDefault();
    stage.move(way[0] * ARROW_PX, way[1] * ARROW_PX);
  });
}
