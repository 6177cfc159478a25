// @ts-check
// Every task that the page knows. A new one gets its module, and its row here.

import { classify } from "./classify.js";
import { detect } from "./detect.js";
import { labelMap } from "./label_map.js";
import { tensor } from "./tensor.js";
import { unknown } from "./unknown.js";

/** @import { Task } from "./task.js" */

/** @type {ReadonlyMap<string, Task>} */
const TASKS = new Map([
  ["detect", detect],
  ["label-map", labelMap],
  ["classify", classify],
  ["tensor", tensor],
  ["segment", detect], // a newer server's: its boxes
]);

/** @param {string} name as a server calls it @returns {Task} */
export function taskOf(name) {
  return TASKS.get(name) ?? unknown;
}
