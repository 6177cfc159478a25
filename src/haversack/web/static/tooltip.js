// @ts-check
// A few words beside the pointer, never cut off by the stage's edge.

import { byId } from "./elements.js";

const tooltip = byId("tooltip", HTMLElement);
const stage = byId("stage", HTMLElement);
const GAP_PX = 14;

/** @param {string} text @param {number} x @param {number} y in the stage's pixels */
export function showTooltip(text, x, y) {
  tooltip.textContent = text;
  tooltip.hidden = false;
  const across = x + GAP_PX + tooltip.offsetWidth > stage.clientWidth;
  const left = across ? x - GAP_PX - tooltip.offsetWidth : x + GAP_PX;
  const top = Math.min(y + GAP_PX, stage.clientHeight - tooltip.offsetHeight);
  tooltip.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
}

export function hideTooltip() {
  tooltip.hidden = true;
}
