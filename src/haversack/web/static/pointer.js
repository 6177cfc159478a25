// @ts-check
// Mouse and fingers on the stage: hover for a name, wheel and pinch to zoom, drag to move.

import { byId } from "./elements.js";

/** @import { Reach } from "./reach.js" */
/** @import { Stage } from "./stage.js" */
/** @typedef {{ x: number, y: number }} Point */

const WHEEL_SPEED = 0.0022;
const STEP = 1.5;

/** @param {Stage} stage @param {Reach} reach */
export function watchPointer(stage, reach) {
  const element = byId("stage", HTMLElement);
  /** @type {Map<number, Point>} */
  const down = new Map();
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, pointOf(event));
    // A tap names what it touches, as hovering does.
    reach.hover(event.offsetX, event.offsetY);
    if (stage.isZoomed || down.size > 1) element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const last = down.get(event.pointerId);
    if (!last) return reach.hover(event.offsetX, event.offsetY);
    drag(stage, down, event, last);
    if (stage.isZoomed) reach.leave();
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    element.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  element.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") reach.leave();
  });
  element.addEventListener("dblclick", (event) => {
    if (stage.isZoomed) stage.fit();
    else stage.zoom(STEP * STEP, { x: event.offsetX, y: event.offsetY });
  });
  watchWheel(stage, element);
  byId("zoom-in", HTMLElement).addEventListener("click", () => stage.zoom(STEP));
  byId("zoom-out", HTMLElement).addEventListener("click", () => stage.zoom(1 / STEP));
  byId("zoom-fit", HTMLElement).addEventListener("click", () => stage.fit());
}

/** A bare wheel keeps scrolling the page, until the photo is zoomed. @param {Stage} stage @param {HTMLElement} element */
function watchWheel(stage, element) {
  const turn = (/** @type {WheelEvent} */ event) => {
    if (!event.ctrlKey && !event.metaKey && !stage.isZoomed) return;
    event.preventDefault();
    // A pinch on a touchpad comes as a wheel with ctrl, in smaller steps.
    const speed = event.ctrlKey ? WHEEL_SPEED * 4 : WHEEL_SPEED;
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const turned = Math.max(-150, Math.min(150, event.deltaY * lines));
    stage.zoom(Math.exp(-turned * speed), { x: event.offsetX, y: event.offsetY });
  };
  element.addEventListener("wheel", turn, { passive: false });
}

/** One finger moves, two zoom about their middle. @param {Stage} stage @param {Map<number, Point>} down @param {PointerEvent} event @param {Point} last */
function drag(stage, down, event, last) {
  const now = pointOf(event);
  const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
  down.set(event.pointerId, now);
  if (!other) {
    if (stage.isZoomed) stage.move(now.x - last.x, now.y - last.y);
    return;
  }
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  stage.zoom(distance(now, other) / Math.max(1, distance(last, other)), middle);
  stage.move((now.x - last.x) / 2, (now.y - last.y) / 2);
}

/** @param {PointerEvent} event @returns {Point} in the stage's pixels */
function pointOf(event) {
  return { x: event.offsetX, y: event.offsetY };
}

/** @param {Point} a @param {Point} b */
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
