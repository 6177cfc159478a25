// @ts-check
// Every way a photo comes in: dropped anywhere, chosen, pasted.

import { byId } from "./elements.js";

const file = byId("file", HTMLInputElement);

export function chooseFile() {
  file.click();
}

/** @param {(photo: File, more: number) => void} take called with the first photo and how many others came with it */
export function watchIntake(take) {
  const takeFirst = (/** @type {FileList | null | undefined} */ files) => {
    const photo = files?.[0];
    if (photo) take(photo, (files?.length ?? 1) - 1);
    return photo !== undefined;
  };
  file.addEventListener("change", () => {
    takeFirst(file.files);
    file.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", (event) => {
    if (takeFirst(event.clipboardData?.files)) event.preventDefault();
  });
  byId("choose", HTMLElement).addEventListener("click", chooseFile);
  byId("new-photo", HTMLElement).addEventListener("click", chooseFile);
  byId("drop", HTMLElement).addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLButtonElement)) chooseFile();
  });
  watchDrops(takeFirst);
}

/** @param {(files: FileList | undefined) => boolean} take */
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
    take(event.dataTransfer?.files);
  });
}
