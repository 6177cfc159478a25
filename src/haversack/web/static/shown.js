// @ts-check
// What of a record is shown: by threshold, by name, in words. Nothing here touches the page.

/** @import { Detection, LegendEntry, ClassScore, Mode, NamedCount, PhotoRecord } from "./types.js" */

const NAMES_SAID = 8;

/**
 * @param {readonly Detection[]} detections
 * @param {number} threshold
 * @returns {Detection[]} those of at least this score
 */
export function above(detections, threshold) {
  return detections.filter((one) => one.score >= threshold);
}

/**
 * @param {readonly Detection[]} detections
 * @param {Mode} mode
 * @param {ReadonlySet<string>} chosen names
 * @returns {Detection[]} those to be drawn
 */
export function drawn(detections, mode, chosen) {
  if (mode === "original") return [];
  if (mode === "all") return [...detections];
  return detections.filter((one) => chosen.has(one.label));
}

/**
 * @param {readonly Detection[]} detections
 * @returns {NamedCount[]} most frequent first, then surest
 */
export function countNames(detections) {
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

/**
 * @param {PhotoRecord} record
 * @param {number} threshold
 * @returns {string} what was found, as one sentence
 */
export function sentence(record, threshold) {
  if (record.detections) return ofObjects(countNames(above(record.detections, threshold)));
  if (record.classes) return ofClasses(record.classes);
  if (record.legend) return ofLegend(record.legend, record.width * record.height);
  return "This model gives nothing to draw.";
}

/** @param {number} share from 0 to 1 */
export function percent(share) {
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** @param {NamedCount[]} names */
function ofObjects(names) {
  if (names.length === 0) return "No objects above this threshold.";
  const kinds = names.length === 1 ? "1 kind of object" : `${names.length} kinds of objects`;
  return `${kinds}: ${listed(names.map((one) => `${one.count} ${one.label}`))}`;
}

/** @param {ClassScore[]} classes */
function ofClasses(classes) {
  const surest = classes[0];
  return surest ? `Most likely ${surest.label}, ${percent(surest.score)} sure` : "No class at all.";
}

/** @param {LegendEntry[]} legend @param {number} pixels */
function ofLegend(legend, pixels) {
  const kinds = legend.length === 1 ? "1 kind of area" : `${legend.length} kinds of area`;
  const areas = legend.map((one) => `${one.label} ${percent(one.pixels / Math.max(1, pixels))}`);
  return `${kinds}: ${listed(areas)}`;
}

/** @param {string[]} parts */
function listed(parts) {
  const rest = parts.length - NAMES_SAID;
  return parts.slice(0, NAMES_SAID).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
