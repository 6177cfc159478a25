// @ts-check
// One class for the whole photo: bars, surest first.

import { percent } from "../words.js";
import { BARE, NOTHING_TO_DRAW } from "./task.js";

/** @import { Task } from "./task.js" */

/** @type {Task} */
export const classify = {
  ...BARE,
  words: "one class a photo",
  title: "Classes",
  controls: { threshold: false, opacity: false, mode: false },

  sentence({ classes }) {
    if (!classes) return NOTHING_TO_DRAW;
    const [surest] = classes;
    return surest ? `Most likely ${surest.label}, ${percent(surest.score)} sure` : "No class at all.";
  },

  bars({ classes }) {
    return classes ?? [];
  },

  caption({ classes }) {
    return (classes ?? []).map((one) => ({ classId: one.class_id, text: `${one.label} ${percent(one.score)}` }));
  },
};
