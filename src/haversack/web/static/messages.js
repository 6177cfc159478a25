// @ts-check
// What the page says: errors, the server's state, progress.

import { byId, make } from "./elements.js";
import { asSentence } from "./sentences.js";
import { ServerError } from "./server.js";

const alertBox = byId("alert", HTMLElement);
const busy = byId("busy", HTMLElement);
const bar = byId("busy-bar", HTMLProgressElement);

/**
 * Show an error where people look.
 * @param {unknown} error
 * @param {{ about?: string, again?: (() => void) | null }} [more] the photo's name; what a button "Try again" does
 */
export function showError(error, { about = "", again = null } = {}) {
  const told = error instanceof ServerError ? error : faultOfPage(error);
  const parts = [make("strong", { text: asSentence(told.message) })];
  if (about) parts.unshift(make("span", { className: "about", text: `${about}:` }));
  if (told.hint) parts.push(make("span", { text: told.hint }));
  showAlert(parts, "error", again);
}

/** @param {string} text */
export function showNote(text) {
  showAlert([make("span", { text })], "note", null);
}

export function clearAlert() {
  alertBox.hidden = true;
  alertBox.replaceChildren();
}

/** @param {"good" | "wait" | "bad"} tone @param {string} text */
export function showStatus(tone, text) {
  byId("status", HTMLElement).dataset.tone = tone;
  byId("status-text", HTMLElement).textContent = text;
}

/** @param {string} text @param {number | null} [share] from 0 to 1; null where nobody knows */
export function showBusy(text, share = null) {
  busy.hidden = false;
  byId("busy-text", HTMLElement).textContent = text;
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}

export function clearBusy() {
  busy.hidden = true;
}

/** @param {HTMLElement[]} parts @param {string} tone @param {(() => void) | null} again */
function showAlert(parts, tone, again) {
  alertBox.dataset.tone = tone;
  const text = make("p", {}, parts.flatMap((part) => [part, document.createTextNode(" ")]));
  const buttons = make("div", { className: "buttons" });
  if (again) buttons.append(button("Try again", () => (clearAlert(), again())));
  buttons.append(button("Close", clearAlert));
  alertBox.replaceChildren(text, buttons);
  alertBox.hidden = false;
  alertBox.scrollIntoView({ block: "nearest" });
}

/** @param {string} text @param {() => void} action */
function button(text, action) {
  const made = make("button", { className: "button", text });
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

/** Our own mistake: its trace goes to the console, a sentence to the person. @param {unknown} error */
function faultOfPage(error) {
  console.error(error);
  return new ServerError("The page made a mistake with this photo", {
    hint: "Reload the page, or try another photo.",
  });
}
