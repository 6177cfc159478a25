// @ts-check
// The right side: the summary, the sliders, the names or bars, what can be taken along.

import { showBars } from "./bars.js";
import { curlCommand } from "./curl.js";
import { byId, setText } from "./elements.js";
import { currentKey } from "./keys.js";
import { isSignedIn } from "./session.js";
import { formatSeconds, hasSiblings } from "./models.js";
import { showNames } from "./names.js";
import { predictAddress } from "./server.js";
import { percent } from "./words.js";

/** @import { State } from "./state.js" */

const CLOSER_FROM = 2;

/** @param {State} state @param {(label: string) => void} toggle called with a name that was clicked */
export function showPanel(state, toggle) {
  const { record, task } = state;
  element("panel-title").textContent = task.title;
  setText("summary", record ? task.sentence(record, state.threshold) : "");
  const rows = state.rows();
  showNames(rows, state.chosen, toggle);
  showBars(record ? task.bars(record) : []);
  element("names-hint").hidden = rows.length === 0;
  element("threshold-box").hidden = !task.controls.threshold;
  element("opacity-box").hidden = !task.controls.opacity;
  element("mode").hidden = !task.controls.mode;
  showNote(record ? task.note(record) : "");
  element("closer-box").hidden = !canLookCloser(state);
  showThreshold(state);
  byId("opacity", HTMLInputElement).value = String(state.opacity);
  element("opacity-value").textContent = percent(state.opacity);
  showMode(state);
  showTake(state);
  setText("facts", facts(state));
}

/** Where the photo was made much smaller for the model, small things may be lost. @param {State} state */
function canLookCloser({ record, pack, job }) {
  const tile = pack?.survey_tile;
  if (!record || !tile || job || record.pack !== pack.name) return false;
  return Math.max(record.width, record.height) >= CLOSER_FROM * tile;
}

/** @param {State} state */
function showThreshold({ threshold, pack }) {
  byId("threshold", HTMLInputElement).value = String(threshold);
  element("threshold-value").textContent = `${Math.round(threshold * 100)} %`;
  const reset = byId("threshold-reset", HTMLButtonElement);
  const usual = pack?.default_threshold ?? threshold;
  reset.classList.toggle("gone", Math.abs(usual - threshold) < 0.005);
  reset.textContent = `Back to ${Math.round(usual * 100)} %`;
}

/** @param {State} state */
function showMode({ mode, chosen }) {
  for (const input of document.querySelectorAll("input[name=mode]")) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.checked = input.value === mode;
    if (input.value === "chosen") input.disabled = chosen.size === 0;
  }
}

/** @param {string} text */
function showNote(text) {
  element("note").hidden = text === "";
  element("note").textContent = text;
}

/** @param {State} state */
function showTake({ photo, pack, packs, record, task, threshold }) {
  byId("save-record", HTMLButtonElement).disabled = !record;
  const button = byId("save-shown", HTMLButtonElement);
  button.disabled = !record || !photo?.bitmap;
  button.title = record && !photo?.bitmap ? "This browser cannot read the photo's format." : "";
  if (!pack || !photo) return;
  element("curl").textContent = curlCommand({
    address: predictAddress(pack, hasSiblings(pack, packs)),
    file: photo.name,
    threshold,
    hasThreshold: task.controls.threshold,
    hasKey: currentKey() !== "" || isSignedIn(),
  });
}

/** @param {State} state */
function facts({ photo, record, seconds }) {
  if (!photo) return "";
  if (!record) return photo.name;
  const model = record.timing?.model_seconds;
  const part = model === undefined ? "" : `, ${formatSeconds(model)} of it in the model`;
  const size = `${record.width} × ${record.height} px`;
  const looked = seconds > 0 ? `${formatSeconds(seconds)}${part}` : "";
  const who = `${record.pack}@${record.version}`;
  return [photo.name, size, who, looked].filter(Boolean).join(" · ");
}

/** @param {string} id */
function element(id) {
  return byId(id, HTMLElement);
}
