// @ts-check
// What the page knows, and what follows from it. Nothing here touches the page.

import { BACKGROUND, foreground } from "./labelmap.js";
import { above, countNames, drawn, percent } from "./shown.js";

/** @import { Detection, LabelMap, Mode, Pack, PhotoRecord } from "./types.js" */
/** @import { Photo } from "./photo.js" */
/** @import { NameRow } from "./names.js" */

export class State {
  /** @type {Pack[]} */ packs = [];
  /** @type {Pack | null} */ pack = null;
  /** @type {Photo | null} */ photo = null;
  /** @type {PhotoRecord | null} */ record = null;
  /** The record as it came. */ text = "";
  /** @type {LabelMap | null} */ map = null;
  /** From question to answer; 0 where it came from a job. */ seconds = 0;
  /** The job that the photo is of, or "". */ job = "";
  threshold = 0.5;
  opacity = 0.45;
  /** @type {Mode} */ mode = "all";
  /** @type {Set<string>} */ chosen = new Set();

  /** A new question: what was found before is about something else. */
  forget() {
    this.record = null;
    this.map = null;
    this.text = "";
    this.chosen.clear();
    if (this.mode === "chosen") this.mode = "all";
  }

  /** @param {string} label */
  toggle(label) {
    if (!this.chosen.delete(label)) this.chosen.add(label);
    this.mode = this.chosen.size > 0 ? "chosen" : "all";
  }

  /** @param {Mode} [mode] @returns {Detection[]} to be drawn, surest first */
  boxes(mode = this.mode) {
    return drawn(above(this.record?.detections ?? [], this.threshold), mode, this.chosen);
  }

  /** @returns {Set<number>} class_ids of a label map to be coloured */
  areas() {
    const entries = this.record?.legend ?? [];
    if (this.mode !== "chosen") return foreground(this.pack?.labels ?? []);
    return new Set(entries.filter((one) => this.chosen.has(one.label)).map((one) => one.class_id));
  }

  /** @returns {NameRow[]} for the list at the right */
  rows() {
    const { record } = this;
    if (record?.legend) {
      const pixels = Math.max(1, record.width * record.height);
      return record.legend.map(({ label, class_id, pixels: own }) => {
        return { label, class_id, value: percent(own / pixels), detail: "", isBare: label === BACKGROUND };
      });
    }
    const names = countNames(above(record?.detections ?? [], this.threshold));
    return names.map(({ label, class_id, count, best }) => {
      return { label, class_id, value: String(count), detail: surest(count, best) };
    });
  }
}

/** @param {number} count @param {number} best */
function surest(count, best) {
  return count > 1 ? `up to ${percent(best)} sure` : `${percent(best)} sure`;
}
