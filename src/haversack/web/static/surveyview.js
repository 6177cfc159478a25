// @ts-check
// What a survey found: counts, files, photos.

import { save } from "./download.js";
import { byId, make } from "./elements.js";
import { fetchFile, fileAddress } from "./jobserver.js";
import { formatBytes, many } from "./jobwords.js";
import { currentKey } from "./keys.js";
import { showError } from "./messages.js";
import { showTable } from "./phototable.js";

/** @import { Summary } from "./types.js" */
/** @import { Survey } from "./jobview.js" */

const REPORT = "report.html";
/** What a person wants first; others are named as they are. */
const NAMES = new Map([
  [REPORT, "Report, to read and to print"],
  ["counts.csv", "Counts by photo, a table"],
  ["transects.csv", "Counts by folder, a table"],
  ["results.jsonl", "Every object, JSON lines"],
  ["megadetector.json", "For Timelapse and AddaxAI"],
  ["coco-dataset.json", "COCO data set"],
  ["found.geojson", "On the map, GeoJSON"],
]);

export function hideSurvey() {
  byId("survey", HTMLElement).hidden = true;
}

/** @param {Survey} survey */
export function showSurvey(survey) {
  const { summary, job } = survey;
  byId("survey-photos", HTMLElement).textContent = photoSentence(summary);
  byId("survey-counts", HTMLElement).replaceChildren(...counts(summary));
  const known = [...NAMES.keys()].flatMap((name) => summary.files.filter((file) => file.name === name));
  byId("survey-files", HTMLElement).replaceChildren(...known.map((file) => fileLine(job.id, file)));
  showTable(survey);
  byId("survey", HTMLElement).hidden = false;
}

/** @param {Summary} summary */
function photoSentence({ photos, problems, seconds }) {
  const all = Object.values(photos).reduce((sum, count) => sum + count, 0);
  const bad = all - (photos.done ?? 0);
  const each = all > 0 ? `, ${(seconds / all).toPrecision(2)} s each` : "";
  if (bad === 0) return `${many(all, "photo")} looked at${each}.`;
  const first = problems[0];
  const why = first ? ` The first: ${first.photo}, ${first.message}.` : "";
  return `${many(all, "photo")}${each}; ${bad} could not be read, or not wholly.${why}`;
}

/** @param {Summary} summary */
function counts({ objects }) {
  const rows = Object.entries(objects).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...rows.map(([, count]) => count));
  if (rows.length === 0) return [make("tr", {}, [make("td", { text: "Nothing was found." })])];
  return rows.map(([label, count]) => {
    const meter = make("meter");
    meter.max = most;
    meter.value = count;
    const bar = make("td", {}, [meter]);
    return make("tr", {}, [make("th", { text: label }), make("td", { text: count.toLocaleString("en") }), bar]);
  });
}

/** @param {string} id @param {{ name: string, bytes: number }} file */
function fileLine(id, { name, bytes }) {
  const link = make("a", { text: NAMES.get(name) ?? name });
  link.href = fileAddress(id, name);
  if (name === REPORT && !currentKey()) {
    link.target = "_blank";
    link.rel = "noopener";
  } else {
    link.download = name;
  }
  // A link sends no key: then the page fetches it.
  if (currentKey()) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      fetchFile(id, name).then((blob) => save(blob, name), showError);
    });
  }
  return make("li", {}, [link, make("span", { className: "quiet", text: ` ${name}, ${formatBytes(bytes)}` })]);
}
