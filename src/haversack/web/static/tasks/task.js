// @ts-check
// What the page asks of a task, and the task that shows nothing. Nothing in this folder touches the
// page, so that a worker can load it too.

/** @import { ClassScore, Detection, LabelMap, Mode, Pack, PhotoRecord } from "../types.js" */
/** @import { NameRow } from "../names.js" */

/**
 * @typedef {object} Controls what a person can set
 * @property {boolean} threshold a slider for what is sure enough, and the same in the command
 * @property {boolean} opacity a slider for the layer over the photo
 * @property {boolean} mode whether all is drawn, the chosen names, or nothing
 *
 * @typedef {object} Pixels what a record has packed, unpacked
 * @property {LabelMap} [map]
 *
 * @typedef {object} Shown an answer, and what of it a person wants to see
 * @property {PhotoRecord} record
 * @property {Pixels} pixels
 * @property {number} threshold
 * @property {number} opacity
 * @property {Mode} mode
 * @property {ReadonlySet<string>} chosen names
 *
 * @typedef {object} Layer what lies over the photo, under the boxes
 * @property {CanvasImageSource} drawing to be stretched over the photo, no pixel blended with the next
 * @property {number} opacity
 * @property {(x: number, y: number) => string} wordsAt what is there, in the photo's pixels; "" for nothing
 *
 * @typedef {object} CaptionLine
 * @property {number} classId whose colour stands before it
 * @property {string} text
 *
 * @typedef {object} Task
 * @property {string} words what it gives, in the menu of models: "objects"; "" where its name says it
 * @property {string} title of the list at the right
 * @property {Controls} controls
 * @property {(pack: Pack) => string} reasonAgainst why the page cannot use such a pack, or ""
 * @property {(record: PhotoRecord) => Promise<Pixels>} unpack once for each answer, before it is shown
 * @property {(record: PhotoRecord, threshold: number) => string} sentence what was found
 * @property {(record: PhotoRecord) => string} note what a person has to know of it, or ""
 * @property {(shown: Shown) => NameRow[]} rows of the list of names
 * @property {(record: PhotoRecord) => readonly ClassScore[]} bars surest first; [] for none
 * @property {(record: PhotoRecord) => number[] | null} scores what a threshold sifts; null where there is none
 * @property {(shown: Shown) => Detection[]} boxes to be drawn and stepped through, surest first
 * @property {(shown: Shown, longest: number) => Layer | null} layer no side of it longer than that; null for none
 * @property {(record: PhotoRecord) => CaptionLine[]} caption of the photo that is taken along
 */

export const NOTHING_TO_DRAW = "This model gives nothing to draw.";

/** @param {Pack} pack @returns {string} why the page has no question for it, or "" */
export function photoReason(pack) {
  return pack.takes_pictures ? "" : "no photo: it takes numbers";
}

/**
 * Shows nothing; each task says what it has more.
 * @type {Task}
 */
export const BARE = {
  words: "",
  title: "Objects",
  controls: { threshold: false, opacity: false, mode: true },
  reasonAgainst: photoReason,
  unpack: async () => ({}),
  sentence: () => NOTHING_TO_DRAW,
  note: () => "",
  rows: () => [],
  bars: () => [],
  scores: () => null,
  boxes: () => [],
  layer: () => null,
  caption: () => [],
};
