// @ts-check
// The API key: asked for in a dialog where the server wants one, kept until the tab is closed.

import { byId } from "./elements.js";

const STORED = "haversack-key";
const dialog = byId("key-dialog", HTMLDialogElement);
const input = byId("key", HTMLInputElement);

/** @returns {string} or "" */
export function currentKey() {
  return sessionStorage.getItem(STORED) ?? "";
}

/** @returns {Record<string, string>} */
export function keyHeaders() {
  const key = currentKey();
  return key ? { Authorization: `Bearer ${key}` } : {};
}

export function forgetKey() {
  sessionStorage.removeItem(STORED);
}

/**
 * @param {string} reason what the server said
 * @returns {Promise<boolean>} whether a key was given
 */
export function askForKey(reason) {
  byId("key-reason", HTMLElement).textContent = reason;
  input.value = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    const close = () => resolve(input.value !== "");
    dialog.addEventListener("close", close, { once: true });
  });
}

byId("key-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  // A header holds no spaces around a key and no letters beyond Latin-1.
  const key = input.value.trim();
  if (!/^[\x21-\x7e]+$/.test(key)) {
    byId("key-reason", HTMLElement).textContent = "A key has letters, digits and signs, no spaces.";
    return;
  }
  sessionStorage.setItem(STORED, key);
  dialog.close();
});

byId("key-cancel", HTMLButtonElement).addEventListener("click", () => cancel());
dialog.addEventListener("cancel", () => {
  input.value = "";
});

function cancel() {
  input.value = "";
  dialog.close();
}
