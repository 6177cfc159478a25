// @ts-check
// A class for each pixel: areas in colours over the photo, each with its share of it.

import { classAt } from "../labelmap.js";
import { tintedCanvas } from "../layer.js";
import { readGrayPng } from "../png.js";
import { listed, percent } from "../words.js";
import { BARE, NOTHING_TO_DRAW } from "./task.js";

/** @import { LegendEntry, PhotoRecord } from "../types.js" */
/** @import { Shown, Task } from "./task.js" */

/** What stays bare until it is chosen itself. */
const BACKGROUND = "background";

/** @type {Task} */
export const labelMap = {
  ...BARE,
  words: "areas",
  title: "Areas",
  controls: { threshold: false, opacity: true, mode: true },

  async unpack({ map }) {
    return map ? { map: await readGrayPng(map) } : {};
  },

  sentence(record) {
    const { legend } = record;
    if (!legend) return NOTHING_TO_DRAW;
    const kinds = legend.length === 1 ? "1 kind of area" : `${legend.length} kinds of area`;
    return `${kinds}: ${listed(legend.map((one) => `${one.label} ${share(one, record)}`))}`;
  },

  rows({ record }) {
    return (record.legend ?? []).map((one) => {
      const { label, class_id } = one;
      return { label, class_id, value: share(one, record), detail: "", isBare: label === BACKGROUND };
    });
  },

  layer(shown, longest) {
    const { record, pixels: { map }, mode, opacity } = shown;
    if (!map || mode === "original") return null;
    return {
      drawing: tintedCanvas(map, coloured(shown), longest),
      opacity,
      wordsAt(x, y) {
        const classId = classAt(map, x, y);
        return record.legend?.find((one) => one.class_id === classId)?.label ?? "";
      },
    };
  },

  caption(record) {
    return (record.legend ?? []).map((one) => {
      return { classId: one.class_id, text: `${one.label} ${share(one, record)}` };
    });
  },
};

/** @param {Shown} shown @returns {Set<number>} class_ids to be coloured: the chosen, else all that is not background */
function coloured({ record, mode, chosen }) {
  const entries = (record.legend ?? []).filter(({ label }) => {
    return mode === "chosen" ? chosen.has(label) : label !== BACKGROUND;
  });
  return new Set(entries.map((one) => one.class_id));
}

/** @param {LegendEntry} entry @param {PhotoRecord} record */
function share({ pixels }, { width, height }) {
  return percent(pixels / Math.max(1, width * height));
}
