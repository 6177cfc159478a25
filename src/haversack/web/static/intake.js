// @ts-check
// Every way photos come in: dropped anywhere, chosen, a folder, pasted.

import { droppedEntries, photosOf } from "./dropped.js";
import { byId } from "./elements.js";

/** @import { GivenPhoto } from "./types.js" */

const file = byId("file", HTMLInputElement);
const folder = byId("folder-file", HTMLInputElement);

export function chooseFile() {
  file.click();
}

/**
 * @param {(photos: GivenPhoto[]) => void} take called with at least one
 * @returns {() => void} to be called where something else is shown: a folder that is still being
 *   listed is then not taken
 */
export function watchIntake(take) {
  let turn = 0;
  const takeFiles = (/** @type {FileList | null | undefined} */ files) => {
    const photos = [...(files ?? [])].map(given);
    if (photos.length === 0) return false;
    turn++;
    take(photos);
    return true;
  };
  const takeEntries = async (/** @type {FileSystemEntry[]} */ entries) => {
    const mine = ++turn;
    const photos = await photosOf(entries);
    if (mine === turn && photos.length > 0) take(photos);
  };
  for (const input of [file, folder]) {
    input.addEventListener("change", () => {
      takeFiles(input.files);
      input.value = ""; // the same file may be chosen again
    });
  }
  document.addEventListener("paste", (event) => {
    if (takeFiles(event.clipboardData?.files)) event.preventDefault();
  });
  byId("choose", HTMLElement).addEventListener("click", chooseFile);
  byId("choose-folder", HTMLElement).addEventListener("click", () => folder.click());
  byId("new-photo", HTMLElement).addEventListener("click", chooseFile);
  byId("drop", HTMLElement).addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLButtonElement)) chooseFile();
  });
  watchDrops((data) => {
    const entries = droppedEntries(data);
    if (entries.some((entry) => entry.isDirectory)) {
      void takeEntries(entries);
    } else {
      takeFiles(data.files);
    }
  });
  return () => void turn++;
}

/** @param {File} one @returns {GivenPhoto} */
function given(one) {
  return { file: one, name: one.webkitRelativePath || one.name };
}

/** @param {(data: DataTransfer) => void} take */
function watchDrops(take) {
  // Every element that is entered says so, and the one that is left after it: only the count is true.
  let depth = 0;
  const dragging = (/** @type {number} */ now) => {
    depth = Math.max(0, now);
    document.body.classList.toggle("dragging", depth > 0);
  };
  document.addEventListener("dragenter", (event) => {
    if (event.dataTransfer?.types.includes("Files")) dragging(depth + 1);
  });
  document.addEventListener("dragleave", () => dragging(depth - 1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    dragging(0);
    if (event.dataTransfer) take(event.dataTransfer);
  });
}
