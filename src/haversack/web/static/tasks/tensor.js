// @ts-check
// Plain numbers by name, which the page has no drawing for.

import { BARE, photoReason } from "./task.js";

/** @import { Task } from "./task.js" */

/** @type {Task} */
export const tensor = {
  ...BARE,

  reasonAgainst(pack) {
    return photoReason(pack) || "nothing to draw: it gives plain numbers";
  },
};
