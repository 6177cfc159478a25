// @ts-check
// The stage: the photo on one canvas, what was found on a second above it. However many boxes there
// are, they cost no elements.

import { boxAt, drawBoxes, drawReached } from "./boxes.js";
import { byId } from "./elements.js";
import { sourceFor } from "./photo.js";
import { fitted, isZoomed, moved, zoomed } from "./view.js";

/** @import { Detection, Size, View } from "./types.js" */
/** @import { Photo } from "./photo.js" */
/** @import { Layer } from "./tasks/task.js" */

const TEXT_PX = 13;
/** Twice what the drawn photos take: on a screen a step of one pixel is hard to see. */
const LINE_PX = 5;
/** Tags of many small boxes hide what lies around; here a pointer names them. */
const SMALL_TAGS = 8;
const FINGER_PX = 6;
const EMPTY = { width: 4, height: 3 };

export class Stage {
  #element = byId("stage", HTMLElement);
  #below = context(byId("photo-layer", HTMLCanvasElement));
  #above = context(byId("found-layer", HTMLCanvasElement));
  /** @type {Photo | null} */ #photo = null;
  /** @type {Size} */ #frame = EMPTY;
  /** @type {View} */ #view = { scale: 1, x: 0, y: 0 };
  /** @type {readonly Detection[]} */ #detections = [];
  /** @type {Layer | null} */ #layer = null;
  /** @type {Detection | null} */ #reached = null;
  #stale = { photo: false, found: false };

  constructor() {
    new ResizeObserver(() => this.fit()).observe(this.#element);
  }

  /** @param {Photo | null} photo @param {Size | null} frame the record's size, once it is known */
  showPhoto(photo, frame) {
    const next = frame ?? photo?.bitmap ?? EMPTY;
    const changed = photo !== this.#photo || next.width !== this.#frame.width;
    this.#photo = photo;
    this.#frame = { width: next.width, height: next.height };
    this.#element.style.setProperty("--shape", `${next.width} / ${next.height}`);
    if (changed) this.fit();
  }

  /** @param {readonly Detection[]} detections surest first */
  showBoxes(detections) {
    this.#detections = detections;
    this.#reached = null;
    this.#redraw("found");
  }

  /** @param {Layer | null} layer */
  showLayer(layer) {
    this.#layer = layer;
    this.#redraw("found");
  }

  /** @param {Detection | null} detection that the pointer or the keyboard has reached */
  reach(detection) {
    if (detection === this.#reached) return;
    this.#reached = detection;
    this.#redraw("found");
  }

  /** The whole photo. */
  fit() {
    this.#view = fitted(this.#frame, this.#size);
    this.#viewChanged();
  }

  /** @param {number} factor @param {{ x: number, y: number }} [at] in the stage's pixels; its middle by default */
  zoom(factor, at) {
    const { width, height } = this.#size;
    const point = at ?? { x: width / 2, y: height / 2 };
    this.#view = zoomed(this.#view, factor, point, this.#frame, this.#size);
    this.#viewChanged();
  }

  /** @param {number} dx @param {number} dy in the stage's pixels */
  move(dx, dy) {
    this.#view = moved(this.#view, dx, dy, this.#frame, this.#size);
    this.#viewChanged();
  }

  get isZoomed() {
    return isZoomed(this.#view, this.#frame, this.#size);
  }

  /** @param {number} x @param {number} y in the stage's pixels @returns {Detection | null} */
  detectionAt(x, y) {
    const [across, down] = this.#inPhoto(x, y);
    return boxAt(this.#detections, across, down, FINGER_PX / this.#view.scale);
  }

  /** @param {number} x @param {number} y in the stage's pixels @returns {string} what the layer has there, or "" */
  wordsAt(x, y) {
    return this.#layer?.wordsAt(...this.#inPhoto(x, y)) ?? "";
  }

  /** @param {Detection} detection @returns {{ x: number, y: number }} the middle of its top edge, in the stage's pixels */
  placeOf(detection) {
    const [x1, y1, x2] = detection.box;
    const { scale, x, y } = this.#view;
    return { x: ((x1 + x2) / 2) * scale + x, y: y1 * scale + y };
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  #inPhoto(x, y) {
    return [(x - this.#view.x) / this.#view.scale, (y - this.#view.y) / this.#view.scale];
  }

  /** @returns {Size} */
  get #size() {
    const { clientWidth, clientHeight } = this.#element;
    return { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
  }

  #viewChanged() {
    this.#element.classList.toggle("zoomed", this.isZoomed);
    this.#redraw("photo");
    this.#redraw("found");
  }

  /** At most once a frame, however fast the slider moves. @param {"photo" | "found"} what */
  #redraw(what) {
    const waiting = this.#stale.photo || this.#stale.found;
    this.#stale[what] = true;
    if (waiting) return;
    requestAnimationFrame(() => {
      if (this.#stale.photo) this.#drawPhoto();
      if (this.#stale.found) this.#drawFound();
      this.#stale = { photo: false, found: false };
    });
  }

  #drawPhoto() {
    const scale = prepare(this.#below, this.#size);
    const { view, area } = { view: this.#view, area: this.#area() };
    const source = this.#photo && sourceFor(this.#photo, view.scale * scale);
    // Enlarged pixels are shown as they are: that is what somebody zooms in for.
    this.#below.imageSmoothingEnabled = view.scale < 4;
    this.#below.imageSmoothingQuality = "high";
    if (source) this.#below.drawImage(source, ...area);
    else drawBlank(this.#below, area);
  }

  #drawFound() {
    prepare(this.#above, this.#size);
    if (this.#layer) {
      this.#above.imageSmoothingEnabled = false;
      this.#above.globalAlpha = this.#layer.opacity;
      this.#above.drawImage(this.#layer.drawing, ...this.#area());
      this.#above.globalAlpha = 1;
    }
    const pen = { view: this.#view, textPx: TEXT_PX, linePx: LINE_PX, smallTags: SMALL_TAGS, ...this.#size };
    drawBoxes(this.#above, this.#detections, pen);
    if (this.#reached) drawReached(this.#above, this.#reached, pen);
    this.#above.canvas.dataset.drawn = String(this.#detections.length);
  }

  /** @returns {[number, number, number, number]} left, top, width, height of the photo on the stage */
  #area() {
    const { scale, x, y } = this.#view;
    return [x, y, this.#frame.width * scale, this.#frame.height * scale];
  }
}

/** @param {HTMLCanvasElement} canvas */
function context(canvas) {
  const found = canvas.getContext("2d");
  if (!found) throw new Error("this browser draws no canvas");
  return found;
}

/** An empty canvas as sharp as the screen. @param {CanvasRenderingContext2D} target @param {Size} size @returns {number} its pixels for one of the page's */
function prepare(target, { width, height }) {
  const ratio = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  const { canvas } = target;
  if (canvas.width !== columns || canvas.height !== rows) {
    [canvas.width, canvas.height] = [columns, rows];
  }
  target.setTransform(1, 0, 0, 1, 0, 0);
  target.clearRect(0, 0, columns, rows);
  target.setTransform(ratio, 0, 0, ratio, 0, 0);
  return ratio;
}

/** Where a photo would be that the browser cannot show. @param {CanvasRenderingContext2D} target @param {[number, number, number, number]} area */
function drawBlank(target, area) {
  target.fillStyle = "rgb(128 128 128 / 0.25)";
  target.fillRect(...area);
}
