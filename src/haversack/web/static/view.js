// @ts-check
// Where a photo lies on the stage: fitted, zoomed, moved. Pure arithmetic.

/** @import { Size, View } from "./types.js" */

/** Screen pixels for one of the photo's, at most. */
const MOST = 12;

/** @param {Size} photo @param {Size} stage @returns {View} the whole photo in the middle, never enlarged beyond 4x */
export function fitted(photo, stage) {
  const scale = Math.min(stage.width / photo.width, stage.height / photo.height, 4);
  return centred({ scale, x: 0, y: 0 }, photo, stage);
}

/**
 * @param {View} view @param {number} factor
 * @param {{ x: number, y: number }} at the point of the stage that stays where it is
 * @param {Size} photo @param {Size} stage @returns {View}
 */
export function zoomed(view, factor, at, photo, stage) {
  const least = fitted(photo, stage).scale;
  const scale = Math.min(Math.max(view.scale * factor, least), Math.max(MOST, least));
  const ratio = scale / view.scale;
  const x = at.x - (at.x - view.x) * ratio;
  const y = at.y - (at.y - view.y) * ratio;
  return centred({ scale, x, y }, photo, stage);
}

/** @param {View} view @param {number} dx @param {number} dy @param {Size} photo @param {Size} stage @returns {View} */
export function moved(view, dx, dy, photo, stage) {
  return centred({ scale: view.scale, x: view.x + dx, y: view.y + dy }, photo, stage);
}

/** @param {View} view @param {Size} photo @param {Size} stage */
export function isZoomed(view, photo, stage) {
  return view.scale > fitted(photo, stage).scale * 1.001;
}

/** No side of the photo leaves its edge of the stage, and a smaller photo stays in the middle. @param {View} view @param {Size} photo @param {Size} stage @returns {View} */
function centred(view, photo, stage) {
  return {
    scale: view.scale,
    x: within(view.x, stage.width - photo.width * view.scale),
    y: within(view.y, stage.height - photo.height * view.scale),
  };
}

/** @param {number} offset @param {number} room */
function within(offset, room) {
  return room >= 0 ? room / 2 : Math.min(0, Math.max(room, offset));
}
