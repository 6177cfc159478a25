// @ts-check
// A task of a newer server: what its record has in common with the known ones is shown as they show it.

import { classify } from "./classify.js";
import { detect } from "./detect.js";
import { labelMap } from "./label_map.js";
import { tensor } from "./tensor.js";

/** @import { Task } from "./task.js" */

/** @type {Task} */
export const unknown = {
  ...tensor,
  unpack: labelMap.unpack,
  sentence(record, threshold) {
    if (record.detections) return detect.sentence(record, threshold);
    if (record.classes) return classify.sentence(record, threshold);
    return labelMap.sentence(record, threshold);
  },
  note: detect.note,
  rows: (shown) => (shown.record.legend ? labelMap : detect).rows(shown),
  bars: classify.bars,
  scores: detect.scores,
  boxes: detect.boxes,
  layer: labelMap.layer,
  caption: (record) => (record.classes ? classify : labelMap).caption(record),
};
