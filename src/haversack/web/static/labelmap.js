// @ts-check
// A label map as a layer of colour over its photo.

import { levelsOf } from "./palette.js";

/** @import { LabelMap, Size } from "./types.js" */

/**
 * @param {LabelMap} map
 * @param {ReadonlySet<number>} classIds to be coloured
 * @param {Size} size of the layer, at most the map's: the nearest pixels are taken
 * @returns {ImageData}
 */
export function tinted(map, classIds, size) {
  const layer = new ImageData(size.width, size.height);
  const words = new Uint32Array(layer.data.buffer);
  const colours = colourWords(classIds);
  const columns = nearest(size.width, map.width);
  const rows = nearest(size.height, map.height);
  let at = 0;
  for (const row of rows) {
    const start = row * map.width;
    for (const column of columns) words[at++] = colours[map.classIds[start + column] ?? 0] ?? 0;
  }
  return layer;
}

/** @param {LabelMap} map @param {number} x @param {number} y in the photo's pixels @returns {number | null} class_id */
export function classAt(map, x, y) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= map.width || row >= map.height) return null;
  return map.classIds[row * map.width + column] ?? null;
}

/** RGBA of each class as one word in memory order. @param {ReadonlySet<number>} classIds */
function colourWords(classIds) {
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let classId = 0; classId < 256; classId++) {
    if (classIds.has(classId)) bytes.set([...levelsOf(classId), 255], classId * 4);
  }
  return new Uint32Array(bytes.buffer);
}

/** @param {number} wanted @param {number} given @returns {Uint32Array} the source of each target pixel */
function nearest(wanted, given) {
  return Uint32Array.from({ length: wanted }, (_, i) => Math.floor(((i + 0.5) * given) / wanted));
}
