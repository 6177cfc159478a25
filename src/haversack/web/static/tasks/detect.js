// @ts-check
// Objects in boxes, each with a score: sifted by a threshold, counted by name.

import { listed, percent } from "../words.js";
import { BARE, NOTHING_TO_DRAW } from "./task.js";

/** @import { Detection } from "../types.js" */
/** @import { Task } from "./task.js" */
/**
 * @typedef {object} NamedCount
 * @property {string} label
 * @property {number} class_id
 * @property {number} count
 * @property {number} best the surest one's score
 */

/** @type {Task} */
export const detect = {
  ...BARE,
  words: "objects",
  controls: { threshold: true, opacity: false, mode: true },

  sentence({ detections }, threshold) {
    if (!detections) return NOTHING_TO_DRAW;
    const names = countNames(above(detections, threshold));
    if (names.length === 0) return "No objects above this threshold.";
    const kinds = names.length === 1 ? "1 kind of object" : `${names.length} kinds of objects`;
    return `${kinds}: ${listed(names.map((one) => `${one.count} ${one.label}`))}`;
  },

  note({ truncated, candidates }) {
    if (!truncated) return "";
    const many = candidates === undefined ? "" : ` (${candidates} candidates)`;
    return `There was more in this photo than the model can keep${many}: the list may not be complete.`;
  },

  rows({ record, threshold }) {
    const names = countNames(above(record.detections ?? [], threshold));
    return names.map(({ label, class_id, count, best }) => {
      return { label, class_id, value: String(count), detail: surest(count, best) };
    });
  },

  scores({ detections }) {
    return detections?.map((one) => one.score) ?? null;
  },

  boxes({ record, threshold, mode, chosen }) {
    const sure = above(record.detections ?? [], threshold);
    if (mode === "original") return [];
    return mode === "all" ? sure : sure.filter((one) => chosen.has(one.label));
  },
};

/** @param {readonly Detection[]} detections @param {number} threshold @returns {Detection[]} those of at least this score */
function above(detections, threshold) {
  return detections.filter((one) => one.score >= threshold);
}

/** @param {readonly Detection[]} detections @returns {NamedCount[]} most frequent first, then surest */
function countNames(detections) {
  /** @type {Map<string, NamedCount>} */
  const byLabel = new Map();
  for (const { label, class_id, score } of detections) {
    const entry = byLabel.get(label) ?? { label, class_id, count: 0, best: 0 };
    entry.count += 1;
    entry.best = Math.max(entry.best, score);
    byLabel.set(label, entry);
  }
  return [...byLabel.values()].sort((a, b) => b.count - a.count || b.best - a.best);
}

/** @param {number} count @param {number} best */
function surest(count, best) {
  return count > 1 ? `up to ${percent(best)} sure` : `${percent(best)} sure`;
}
