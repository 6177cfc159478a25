// @ts-check
// A label map's colours as a canvas, made again only where other areas are asked for.

import { make } from "./elements.js";
import { tinted } from "./labelmap.js";
import { shrunk } from "./photo.js";

/** @import { LabelMap } from "./types.js" */

/** @type {{ of: LabelMap, wanted: string, drawing: HTMLCanvasElement } | null} */
let kept = null;

/**
 * @param {LabelMap} map
 * @param {ReadonlySet<number>} areas class_ids to be coloured
 * @param {number} longest px of a side; Infinity for the map's own size, which is not kept: 24 MP take 96 MB
 */
export function tintedCanvas(map, areas, longest) {
  if (longest === Infinity) return drawn(map, areas, longest);
  const wanted = [longest, ...areas].join(" ");
  if (kept?.of !== map || kept.wanted !== wanted) {
    kept = { of: map, wanted, drawing: drawn(map, areas, longest) };
  }
  return kept.drawing;
}

/** @param {LabelMap} map @param {ReadonlySet<number>} areas @param {number} longest */
function drawn(map, areas, longest) {
  const size = shrunk(map, longest);
  const canvas = make("canvas");
  [canvas.width, canvas.height] = [size.width, size.height];
  canvas.getContext("2d")?.putImageData(tinted(map, areas, size), 0, 0);
  return canvas;
}
