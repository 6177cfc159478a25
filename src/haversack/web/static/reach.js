// @ts-check
// What the pointer or the keyboard has reached on the stage: a highlight, a few words, also spoken.

import { byId } from "./elements.js";
import { hideTooltip, showTooltip } from "./tooltip.js";

/** @import { Detection } from "./types.js" */
/** @import { Stage } from "./stage.js" */
/** @import { State } from "./state.js" */

export class Reach {
  #place = -1;

  /** @param {Stage} stage @param {State} state */
  constructor(stage, state) {
    this.stage = stage;
    this.state = state;
  }

  /** @param {number} x @param {number} y in the stage's pixels */
  hover(x, y) {
    const detection = this.stage.detectionAt(x, y);
    this.stage.reach(detection);
    const words = detection ? inWords(detection) : this.stage.wordsAt(x, y);
    if (words) showTooltip(words, x, y);
    else hideTooltip();
  }

  leave() {
    this.stage.reach(null);
    hideTooltip();
  }

  /** The next or the previous object, from the surest on. @param {1 | -1} way */
  step(way) {
    const boxes = this.state.boxes();
    if (boxes.length === 0) return;
    const first = way === 1 ? 0 : boxes.length - 1;
    const place = this.#place < 0 ? first : this.#place + way;
    this.#place = (place + boxes.length) % boxes.length;
    const detection = boxes[this.#place];
    if (!detection) return;
    const { x, y } = this.stage.placeOf(detection);
    this.stage.reach(detection);
    showTooltip(inWords(detection), x, y);
    const spoken = `${inWords(detection)}, ${this.#place + 1} of ${boxes.length}`;
    byId("said", HTMLElement).textContent = spoken;
  }

  /** Begin again: other objects are shown. */
  reset() {
    this.#place = -1;
    hideTooltip();
  }
}

/** @param {Detection} detection */
function inWords({ label, score }) {
  return `${label} ${score.toFixed(2)}`;
}
