// @ts-check
// A photo of a job on the stage, with the way back to the job and to its neighbours.

import { byId } from "./elements.js";
import { fetchJobPhoto, fetchRecordText, fetchRowText } from "./jobserver.js";
import { titleOf } from "./jobwords.js";
import { withKey } from "./patience.js";
import { closePhoto, openPhoto } from "./photo.js";
import { readGrayPng } from "./png.js";
import { listedRows } from "./phototable.js";
import { go, hashOf } from "./place.js";
import { ServerError } from "./server.js";

/** @import { Job, PhotoRecord, PhotoRow } from "./types.js" */
/** @import { Survey } from "./jobview.js" */
/** @import { State } from "./state.js" */

const bar = byId("of-job", HTMLElement);
const before = byId("photo-before", HTMLButtonElement);
const after = byId("photo-after", HTMLButtonElement);

export class JobPhoto {
  /** @type {string[]} */
  #neighbours = ["", ""];

  /** @param {State} state @param {() => void} show */
  constructor(state, show) {
    this.state = state;
    this.show = show;
    before.addEventListener("click", () => this.step(-1));
    after.addEventListener("click", () => this.step(1));
  }

  /** The one photo of a job. @param {Job} job */
  async showOnly(job) {
    const [text, photo] = await Promise.all([
      withKey(() => fetchRecordText(job.id)),
      blobOf(job.id, ""),
    ]);
    this.#neighbours = ["", ""];
    await this.#put(job, titleOf(job), text, photo);
  }

  /** One photo of a survey. @param {Survey} survey @param {string} name */
  async showOne({ job, rows }, name) {
    const row = rows.find((one) => one.name === name);
    if (!row || row.start === null) {
      throw new ServerError(`The job has no photo ${name}`, { hint: "Go back to the job, and choose one there." });
    }
    const [text, photo] = await Promise.all([withKey(() => fetchRowText(job.id, row)), blobOf(job.id, name)]);
    this.#placeAmong(job, name, rows);
    await this.#put(job, name, text, photo);
  }

  /** @param {1 | -1} way */
  step(way) {
    const name = this.#neighbours[way === 1 ? 1 : 0];
    const { job } = this.state;
    if (name && job) go(hashOf(job, name));
  }

  hide() {
    this.state.job = "";
    bar.hidden = true;
  }

  /** @param {Job} job @param {string} name @param {PhotoRow[]} rows */
  #placeAmong(job, name, rows) {
    const placeIn = (/** @type {PhotoRow[]} */ some) => some.findIndex((one) => one.name === name);
    const listed = listedRows(job.id);
    const among = placeIn(listed) < 0 ? rows : listed;
    const place = placeIn(among);
    this.#neighbours = [among[place - 1]?.name ?? "", among[place + 1]?.name ?? ""];
    byId("of-job-count", HTMLElement).textContent = `${place + 1} of ${among.length}`;
  }

  /** @param {Job} job @param {string} name @param {string} text @param {Blob} blob */
  async #put(job, name, text, blob) {
    /** @type {PhotoRecord} */
    const record = JSON.parse(text);
    const photo = await openPhoto(blob, name);
    const map = record.map ? await readGrayPng(record.map) : null;
    const { state } = this;
    if (state.photo) closePhoto(state.photo);
    state.forget();
    // The job has left out what is not sure enough: the slider begins where nothing is hidden.
    const least = Math.min(...(record.detections ?? []).map((one) => one.score), state.threshold);
    const threshold = Math.floor(least * 100) / 100;
    Object.assign(state, { photo, record, text, map, threshold, seconds: 0, job: job.id });
    const isSurvey = job.kind === "survey";
    const link = byId("of-job-link", HTMLAnchorElement);
    link.href = isSurvey ? hashOf(job.id) : "#jobs";
    link.textContent = isSurvey ? `Back to ${titleOf(job)}` : "All jobs";
    before.hidden = after.hidden = !isSurvey;
    before.disabled = !this.#neighbours[0];
    after.disabled = !this.#neighbours[1];
    if (!isSurvey) byId("of-job-count", HTMLElement).textContent = "";
    bar.hidden = false;
    this.show();
  }
}

/** Photos are kept for less time than results: then only the list is left. @param {string} id @param {string} name */
async function blobOf(id, name) {
  try {
    return await withKey(() => fetchJobPhoto(id, name));
  } catch (error) {
    if (error instanceof ServerError && error.status === 410) return new Blob([]);
    throw error;
  }
}
