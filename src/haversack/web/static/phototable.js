// @ts-check
// The photos of a survey: those with objects, with one label, or with a fault; a click shows one.

import { byId, make } from "./elements.js";
import { many } from "./jobwords.js";
import { hashOf } from "./place.js";

/** @import { PhotoRow } from "./types.js" */
/** @import { Survey } from "./jobview.js" */

const AT_ONCE = 100;
const show = byId("table-show", HTMLSelectElement);
const sort = byId("table-sort", HTMLSelectElement);
const more = byId("table-more", HTMLButtonElement);
/** @type {Survey | null} */
let survey = null;
let shown = AT_ONCE;

/** @param {Survey} of */
export function showTable(of) {
  const isNew = survey?.job.id !== of.job.id;
  survey = of;
  if (isNew) {
    show.replaceChildren(...choices(of));
    shown = AT_ONCE;
  }
  draw();
}

/** The photos as the table has them now. @param {string} id of their job @returns {PhotoRow[]} none where it has another's */
export function listedRows(id) {
  if (survey?.job.id !== id) return [];
  const rows = survey.rows.filter(kept(show.value));
  const label = show.value.startsWith("label:") ? show.value.slice(6) : "";
  if (sort.value === "count") rows.sort((a, b) => countOf(b, label) - countOf(a, label));
  return rows;
}

function draw() {
  if (!survey) return;
  const { id } = survey.job;
  const rows = listedRows(id);
  byId("table", HTMLElement).replaceChildren(...rows.slice(0, shown).map((row) => line(id, row)));
  byId("table-title", HTMLElement).textContent = many(rows.length, "photo");
  byId("table-none", HTMLElement).hidden = rows.length > 0;
  more.hidden = rows.length <= shown;
}

/** @param {Survey} of */
function choices({ summary, rows }) {
  const some = rows.filter((row) => countOf(row) > 0).length;
  const bad = rows.filter((row) => row.error).length;
  const options = [
    ["found", `photos with objects (${some})`],
    ["all", `all photos (${rows.length})`],
    ...Object.keys(summary.objects).map((label) => [`label:${label}`, `photos with ${label}`]),
    ...(bad > 0 ? [["bad", `photos with a fault (${bad})`]] : []),
  ];
  return options.map(([value, text]) => {
    const option = make("option", { text: text ?? "" });
    option.value = value ?? "";
    return option;
  });
}

/** @param {string} choice @returns {(row: PhotoRow) => boolean} */
function kept(choice) {
  if (choice === "all") return () => true;
  if (choice === "bad") return (row) => row.error !== null;
  if (choice.startsWith("label:")) return (row) => (row.objects[choice.slice(6)] ?? 0) > 0;
  return (row) => countOf(row) > 0;
}

/** @param {PhotoRow} row @param {string} [label] all where there is none */
function countOf(row, label = "") {
  if (label) return row.objects[label] ?? 0;
  return Object.values(row.objects).reduce((sum, count) => sum + count, 0);
}

/** @param {string} id @param {PhotoRow} row */
function line(id, row) {
  const link = make("a", { text: row.name });
  link.href = hashOf(id, row.name);
  const found = Object.entries(row.objects).map(([label, count]) => `${count} ${label}`);
  const words = row.error ? row.error.message : found.join(", ") || "nothing";
  const look = row.error ? "fault" : "quiet";
  return make("li", {}, [link, make("span", { className: look, text: words })]);
}

show.addEventListener("change", () => {
  shown = AT_ONCE;
  draw();
});
sort.addEventListener("change", draw);
more.addEventListener("click", () => {
  shown += AT_ONCE;
  draw();
});
