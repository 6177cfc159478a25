// @ts-check
// What a person takes along: the annotated photo at its full size, the record as it came.

import { drawBoxes, textSize } from "./boxes.js";
import { drawCaption } from "./caption.js";
import { make } from "./elements.js";

/** @import { Detection, PhotoRecord } from "./types.js" */
/** @import { CaptionLine, Layer } from "./tasks/task.js" */
/** @import { Photo } from "./photo.js" */

/**
 * @param {object} shown
 * @param {Photo} shown.photo
 * @param {PhotoRecord} shown.record
 * @param {readonly Detection[]} shown.boxes
 * @param {Layer | null} shown.layer
 * @param {readonly CaptionLine[]} shown.caption
 * @returns {Promise<Blob>} a PNG
 */
export async function annotated({ photo, record, boxes, layer, caption }) {
  const canvas = new OffscreenCanvas(record.width, record.height);
  const context = canvas.getContext("2d");
  if (!context || !photo.bitmap) throw new Error("there is no photo to draw on");
  context.drawImage(photo.bitmap, 0, 0, record.width, record.height);
  if (layer) {
    context.imageSmoothingEnabled = false;
    context.globalAlpha = layer.opacity;
    context.drawImage(layer.drawing, 0, 0, record.width, record.height);
    context.globalAlpha = 1;
  }
  const textPx = textSize(Math.max(record.width, record.height));
  const view = { scale: 1, x: 0, y: 0 };
  const { width, height } = record;
  const pen = { view, textPx, linePx: textPx / 5, smallTags: Infinity, width, height };
  drawBoxes(context, boxes, pen);
  drawCaption(context, caption, textPx);
  return encoded(canvas.transferToImageBitmap());
}

/** @param {ImageBitmap} bitmap @returns {Promise<Blob>} */
function encoded(bitmap) {
  const worker = new Worker(new URL("encoding.js", import.meta.url));
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = () => reject(new Error("the drawn photo could not be made"));
    worker.postMessage(bitmap, [bitmap]);
  }).finally(() => worker.terminate());
}

/** @param {Blob} blob @param {string} name of the file */
export function save(blob, name) {
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has begun to read by then; at once would be too early for some.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {string} name of a photo @returns {string} without its suffix */
export function stem(name) {
  return name.replace(/\.[^.]+$/, "") || "photo";
}
