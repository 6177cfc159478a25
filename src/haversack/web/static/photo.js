// @ts-check
// A photo as the browser shows it: decoded once, upright, with a small copy for the whole view.

/** @import { Size } from "./types.js" */

/** A photo is drawn from its small copy until it is zoomed into: 24 MP take 60 ms to draw, this 4. */
const SMALL_PX = 2048;

/**
 * @typedef {object} Photo
 * @property {Blob} blob as it is sent
 * @property {string} name
 * @property {ImageBitmap | null} bitmap null where the browser cannot read this format
 * @property {ImageBitmap | null} small
 */

/** @param {Blob} blob @param {string} name @returns {Promise<Photo>} */
export async function openPhoto(blob, name) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => null);
  return { blob, name, bitmap, small: bitmap && (await smaller(bitmap)) };
}

/** Give the memory of its pixels back. @param {Photo} photo */
export function closePhoto(photo) {
  photo.bitmap?.close();
  if (photo.small !== photo.bitmap) photo.small?.close();
}

/**
 * @param {Photo} photo @param {number} scale screen pixels for one of the photo's
 * @returns {ImageBitmap | null} what is fine enough to be drawn at that scale
 */
export function sourceFor(photo, scale) {
  const enough = photo.bitmap && photo.small && photo.bitmap.width * scale <= photo.small.width;
  return enough ? photo.small : photo.bitmap;
}

/** @param {ImageBitmap} bitmap @returns {Promise<ImageBitmap>} */
async function smaller(bitmap) {
  const { width, height } = shrunk(bitmap, SMALL_PX);
  if (width === bitmap.width) return bitmap;
  return createImageBitmap(bitmap, { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" });
}

/** @param {Size} size @param {number} longest @returns {Size} of the same shape, no side longer */
export function shrunk({ width, height }, longest) {
  const ratio = Math.min(1, longest / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * ratio)),
    height: Math.max(1, Math.round(height * ratio)),
  };
}
