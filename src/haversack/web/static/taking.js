// @ts-check
// The buttons of "Take it with you".

import { annotated, save, stem } from "./download.js";
import { byId } from "./elements.js";
import { showError } from "./messages.js";

/** @import { State } from "./state.js" */

const SAID_SECONDS = 2;

/** The photo at full size as it is shown; the original is at hand already, so then with everything. @param {State} state */
export async function saveShown(state) {
  const { photo, record } = state;
  if (!photo?.bitmap || !record) return;
  const mode = state.mode === "original" ? "all" : state.mode;
  const layer = state.layer(Infinity, mode);
  const shown = { photo, record, boxes: state.boxes(mode), layer, caption: state.task.caption(record) };
  try {
    const blob = await annotated(shown);
    save(blob, `${stem(photo.name)}_found.png`);
  } catch (error) {
    showError(error);
  }
}

/** The record as the server gave it, letter by letter. @param {State} state */
export function saveRecord({ photo, record, text }) {
  if (!photo || !record) return;
  save(new Blob([text], { type: "application/json" }), `${stem(photo.name)}.json`);
}

export async function copyCurl() {
  const button = byId("copy-curl", HTMLButtonElement);
  const code = byId("curl", HTMLElement);
  try {
    // Without TLS a browser gives no clipboard, except to pages of the machine itself.
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(code);
    button.textContent = "Marked: press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "Copy"), SAID_SECONDS * 1000);
}
