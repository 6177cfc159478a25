// @ts-check
// A label map's colours as a canvas, made again only where other areas are asked for.

import { make } from "./elements.js";
import { tinted } from "./labelmap.js";
import { shrunk } from "./photo.js";

/** @import { LabelMap } from "./types.js" */

/** The stage needs no finer one: with 24 MP tinting takes 150 ms, with this 15. */
const STAGE_PX = 2048;

/** @type {{ map: LabelMap, areas: string, drawing: HTMLCanvasElement } | null} */
let kept = null;

/** @param {LabelMap} map @param {ReadonlySet<number>} areas @returns {HTMLCanvasElement} */
export function stageLayer(map, areas) {
  const wanted = [...areas].join(" ");
  if (kept?.map !== map || kept.areas !== wanted) {
    kept = { map, areas: wanted, drawing: layer(map, areas, STAGE_PX) };
  }
  return kept.drawing;
}

/** @param {LabelMap} map @param {ReadonlySet<number>} areas @param {number} [longest] px of a side */
export function layer(map, areas, longest = Infinity) {
  const size = shrunk(map, longest);
  const canvas = make("canvas");
  [canvas.width, canvas.height] = [size.width, size.height];
  canvas.getContext("2d")?.putImageData(tinted(map, areas, size), 0, 0);
  return canvas;
}
