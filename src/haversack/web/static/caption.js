// @ts-check
// A few lines, such as a legend, written into the corner of a photo that is taken along.

import { colourOf } from "./palette.js";

/** @import { Brush } from "./types.js" */
/** @import { CaptionLine } from "./tasks/task.js" */

const LINES_SHOWN = 5;

/** @param {Brush} context @param {readonly CaptionLine[]} all of which the first are drawn @param {number} textPx */
export function drawCaption(context, all, textPx) {
  const lines = all.slice(0, LINES_SHOWN);
  if (lines.length === 0) return;
  const margin = Math.max(2, Math.floor(textPx / 4));
  const step = textPx + margin;
  context.font = `${textPx}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const widest = Math.max(...lines.map(({ text }) => context.measureText(text).width));
  context.fillStyle = "rgb(16 16 16 / 0.72)";
  context.fillRect(0, 0, widest + step + 3 * margin, step * lines.length + margin);
  lines.forEach(({ text, classId }, row) => {
    const top = margin + row * step;
    context.fillStyle = colourOf(classId);
    context.fillRect(margin, top, textPx, textPx);
    context.fillStyle = "#fff";
    context.fillText(text, margin + step, top + textPx / 2 + 1);
  });
}
