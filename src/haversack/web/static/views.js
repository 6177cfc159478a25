// @ts-check
// Which part of the page is seen.

import { byId } from "./elements.js";

/** @typedef {"start" | "result" | "folder" | "job" | "jobs" | "server"} View */

/** @type {readonly View[]} */
const VIEWS = ["start", "result", "folder", "job", "jobs", "server"];
/** @type {View} */
let current = "start";

/** @returns {View} */
export function currentView() {
  return current;
}

/** @param {View} view */
export function showView(view) {
  const isNew = view !== current;
  current = view;
  for (const one of VIEWS) byId(one, HTMLElement).hidden = one !== view;
  byId("new-photo", HTMLElement).hidden = view === "start";
  document.body.dataset.view = view;
  if (!isNew) return;
  scrollTo(0, 0);
  // A new page within the page: who cannot see it has to be led there.
  const title = document.getElementById(`${view}-title`);
  if (title?.tabIndex === -1) title.focus({ preventScroll: true });
}

/** Whether a photo, or the place for one, is seen. */
export function isPhotoView() {
  return current === "start" || current === "result";
}
