// @ts-check
// A photo of a job on the stage, with the way back to the job and to its neighbours.

import { byId } from "./elements.js";
import { fetchJobPhoto, fetchRecordText, fetchRowText } from "./jobserver.js";
import { titleOf } from "./jobwords.js";
import { withKey } from "./patience.js";
import { closePhoto, openPhoto } from "./photo.js";
import { listedRows } from "./phototable.js";
import { go, hashOf } from "./place.js";
import { ServerError } from "./server.js";
import { taskOf } from "./tasks/table.js";

/** @import { Job, PhotoRecord, PhotoRow } from "./types.js" */
/** @import { Survey } from "./jobview.js" */
/** @import { Photo } from "./photo.js" */
/** @import { Answer, State } from "./state.js" */
/** @typedef {{ photo: Photo, answer: Answer }} Opened */

const bar = byId("of-job", HTMLElement);
const before = byId("photo-before", HTMLButtonElement);
const after = byId("photo-after", HTMLButtonElement);

export class JobPhoto {
  /** @type {string[]} */
  #neighbours = ["", ""];
  #question = new AbortController();

  /** @param {State} state @param {() => void} show */
  constructor(state, show) {
    this.state = state;
    this.show = show;
    before.addEventListener("click", () => this.step(-1));
    after.addEventListener("click", () => this.step(1));
  }

  /** A new question, which ends the one before. @returns {AbortSignal} its own */
  begin() {
    this.end();
    this.#question = new AbortController();
    return this.#question.signal;
  }

  /** Whatever is asked is not waited for any more. */
  end() {
    this.#question.abort();
  }

  /** The one photo of a job. @param {Job} job @param {AbortSignal} signal */
  async showOnly(job, signal) {
    const [text, blob] = await Promise.all([
      withKey(() => fetchRecordText(job.id, signal)),
      blobOf(job.id, "", signal),
    ]);
    const found = await opened(titleOf(job), text, blob);
    if (signal.aborted) return closePhoto(found.photo);
    this.#neighbours = ["", ""];
    this.#put(job, found);
  }

  /** One photo of a survey. @param {Survey} survey @param {string} name @param {AbortSignal} signal */
  async showOne({ job, rows }, name, signal) {
    const row = rows.find((one) => one.name === name);
    if (!row || row.start === null) {
      throw new ServerError(`The job has no photo ${name}`, { hint: "Go back to the job, and choose one there." });
    }
    const [text, blob] = await Promise.all([
      withKey(() => fetchRowText(job.id, row, signal)),
      blobOf(job.id, name, signal),
    ]);
    const found = await opened(name, text, blob);
    if (signal.aborted) return closePhoto(found.photo);
    this.#placeAmong(job, name, rows);
    this.#put(job, found);
  }

  /** @param {1 | -1} way */
  step(way) {
    const name = this.#neighbours[way === 1 ? 1 : 0];
    const { job } = this.state;
    if (name && job) go(hashOf(job, name));
  }

  hide() {
    this.state.leaveJob();
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

  /** @param {Job} job @param {Opened} found */
  #put(job, { photo, answer }) {
    const { state } = this;
    if (state.photo) closePhoto(state.photo);
    state.showJobPhoto(job.id, photo, answer);
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

/** @param {string} name @param {string} text @param {Blob} blob @returns {Promise<Opened>} */
async function opened(name, text, blob) {
  /** @type {PhotoRecord} */
  const record = JSON.parse(text);
  const pixels = await taskOf(record.task).unpack(record);
  return { photo: await openPhoto(blob, name), answer: { record, text, pixels } };
}

/**
 * Photos are kept for less time than results: then only the list is left.
 * @param {string} id @param {string} name @param {AbortSignal} signal
 */
async function blobOf(id, name, signal) {
  try {
    return await withKey(() => fetchJobPhoto(id, name, signal));
  } catch (error) {
    if (error instanceof ServerError && error.status === 410) return new Blob([]);
    throw error;
  }
}
