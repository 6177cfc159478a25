// @ts-check
// Boxes on a canvas, by the rules of formats/overlay.py: thicker where surer, tags where they hide nothing.

import { colourOf, inkOn } from "./palette.js";

/** @import { Brush, Detection, View } from "./types.js" */
/** @typedef {{ left: number, top: number, right: number, bottom: number }} Area */
/**
 * @typedef {object} Pen
 * @property {View} view from the photo's pixels to the canvas
 * @property {number} textPx
 * @property {number} linePx of a box that is surely right
 * @property {number} smallTags among more boxes than this, small ones get no tag
 * @property {number} width of the canvas
 * @property {number} height
 */

/** More boxes than this are drawn without text, which would hide what it names. */
export const TAGGED_BOXES = 40;
const SMALL_PX = 40;
const FONT = "system-ui, sans-serif";

/** @param {number} pixels the photo's longer side @returns {number} text that suits it */
export function textSize(pixels) {
  return Math.round(Math.min(40, Math.max(11, pixels / 70)));
}

/**
 * @param {number} score
 * @param {number} side the box's shorter one on the canvas
 * @param {number} linePx
 */
export function lineWidth(score, side, linePx) {
  const line = Math.max(1, Math.round(linePx * (0.3 + 0.7 * score)));
  // A thick line would fill a small box.
  return Math.min(line, Math.max(2, Math.floor(side / 8)));
}

/**
 * @param {Brush} context
 * @param {readonly Detection[]} detections surest first
 * @param {Pen} pen
 */
export function drawBoxes(context, detections, pen) {
  const frames = detections.map((one) => frameOf(one, pen.view));
  // The surest last, so that it lies on top; tags after all boxes, so that none is crossed out.
  for (let place = detections.length - 1; place >= 0; place--) {
    const one = detections[place];
    const frame = frames[place];
    if (one && frame) outline(context, one, frame, pen.linePx);
  }
  if (detections.length <= TAGGED_BOXES) drawTags(context, detections, frames, pen);
}

/**
 * One box that the pointer or the keyboard has reached.
 * @param {Brush} context
 * @param {Detection} one
 * @param {Pen} pen
 */
export function drawReached(context, one, pen) {
  const frame = frameOf(one, pen.view);
  const [width, height] = [frame.right - frame.left, frame.bottom - frame.top];
  outline(context, one, frame, pen.linePx * 1.5);
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.strokeRect(frame.left - 2, frame.top - 2, width + 4, height + 4);
}

/**
 * @param {readonly Detection[]} detections
 * @param {number} x in the photo's pixels
 * @param {number} y
 * @param {number} reach px around a box that still count as it: small boxes can be hit by a finger
 * @returns {Detection | null} the smallest box there, since it may lie in a larger one
 */
export function boxAt(detections, x, y, reach = 0) {
  /** @type {Detection | null} */
  let found = null;
  let least = Infinity;
  for (const one of detections) {
    const [x1, y1, x2, y2] = one.box;
    if (x < x1 - reach || x > x2 + reach || y < y1 - reach || y > y2 + reach) continue;
    const area = (x2 - x1) * (y2 - y1);
    if (area < least) [found, least] = [one, area];
  }
  return found;
}

/** @param {Detection} one @param {View} view @returns {Area} on whole pixels, so that lines are crisp; wider where it would hide a small object */
function frameOf(one, view) {
  const [x1, y1, x2, y2] = one.box;
  const wider = Math.min(x2 - x1, y2 - y1) * view.scale < SMALL_PX ? 2 : 0;
  return {
    left: Math.round(x1 * view.scale + view.x) - wider,
    top: Math.round(y1 * view.scale + view.y) - wider,
    right: Math.round(x2 * view.scale + view.x) + wider,
    bottom: Math.round(y2 * view.scale + view.y) + wider,
  };
}

/** @param {Brush} context @param {Detection} one @param {Area} frame @param {number} linePx */
function outline(context, one, frame, linePx) {
  const [width, height] = [frame.right - frame.left, frame.bottom - frame.top];
  const line = lineWidth(one.score, Math.min(width, height), linePx);
  context.strokeStyle = "rgb(0 0 0 / 0.75)";
  context.lineWidth = 1;
  context.strokeRect(frame.left - 0.5, frame.top - 0.5, width + 1, height + 1);
  context.strokeStyle = colourOf(one.class_id);
  context.lineWidth = line;
  context.strokeRect(frame.left + line / 2, frame.top + line / 2, width - line, height - line);
}

/** @param {Brush} context @param {readonly Detection[]} detections @param {Area[]} frames @param {Pen} pen */
function drawTags(context, detections, frames, pen) {
  const small = frames.filter((frame) => isSmall(frame, pen.textPx));
  const without = new Set(detections.length > pen.smallTags ? small : []);
  /** @type {Area[]} */
  const taken = [];
  context.font = `600 ${pen.textPx}px ${FONT}`;
  context.textBaseline = "middle";
  detections.forEach((one, place) => {
    const frame = frames[place];
    if (!frame || without.has(frame)) return;
    const text = `${one.label} ${one.score.toFixed(2)}`;
    const others = small.filter((other) => other !== frame);
    const spot = freeSpot(frame, context.measureText(text).width, pen, [...taken, ...others]);
    if (!spot) return;
    taken.push(spot);
    context.fillStyle = colourOf(one.class_id);
    context.fillRect(spot.left, spot.top, spot.right - spot.left, spot.bottom - spot.top);
    context.fillStyle = inkOn(one.class_id);
    context.fillText(text, spot.left + pen.textPx / 3, (spot.top + spot.bottom) / 2 + 1);
  });
}

/**
 * A free place for a tag on the canvas: above the frame, under it, or within its top.
 * @param {Area} frame @param {number} textWidth @param {Pen} pen @param {Area[]} taken
 * @returns {Area | null}
 */
function freeSpot(frame, textWidth, pen, taken) {
  const width = Math.ceil(textWidth + (2 * pen.textPx) / 3);
  const height = Math.ceil(pen.textPx * 1.5);
  const left = Math.min(Math.max(0, frame.left), Math.max(0, pen.width - width));
  const tops = [frame.top - height, frame.bottom + 1];
  if (!isSmall(frame, pen.textPx)) tops.push(Math.max(0, frame.top));
  for (const top of tops) {
    const spot = { left, top, right: left + width, bottom: top + height };
    const inside = top >= 0 && spot.bottom <= pen.height && frame.left < pen.width;
    if (inside && !taken.some((other) => touch(spot, other))) return spot;
  }
  return null;
}

/** Whether a tag would hide most of what the frame holds. @param {Area} frame @param {number} textPx */
function isSmall(frame, textPx) {
  return frame.bottom - frame.top < 4 * textPx;
}

/** @param {Area} a @param {Area} b */
function touch(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
