// @ts-check
// What the page knows, and what follows from it. Nothing here touches the page, and nothing elsewhere
// writes what is here: each change has its name.

import { taskOf } from "./tasks/table.js";

/** @import { Detection, Mode, Pack, PhotoRecord } from "./types.js" */
/** @import { Photo } from "./photo.js" */
/** @import { NameRow } from "./names.js" */
/** @import { Layer, Pixels, Shown, Task } from "./tasks/task.js" */
/**
 * @typedef {object} Answer
 * @property {PhotoRecord} record
 * @property {string} text the record as it came
 * @property {Pixels} pixels
 */

export class State {
  /** @type {readonly Pack[]} */ #packs = [];
  /** @type {Pack | null} */ #pack = null;
  /** @type {Photo | null} */ #photo = null;
  /** @type {Answer | null} */ #answer = null;
  #seconds = 0;
  #job = "";
  #threshold = 0.5;
  #opacity = 0.45;
  /** @type {Mode} */ #mode = "all";
  /** @type {Set<string>} */ #chosen = new Set();

  get packs() {
    return this.#packs;
  }

  get pack() {
    return this.#pack;
  }

  get photo() {
    return this.#photo;
  }

  get record() {
    return this.#answer?.record ?? null;
  }

  /** The record as it came. */
  get text() {
    return this.#answer?.text ?? "";
  }

  /** From question to answer; 0 where it came from a job. */
  get seconds() {
    return this.#seconds;
  }

  /** The job that the photo is of, or "". */
  get job() {
    return this.#job;
  }

  get threshold() {
    return this.#threshold;
  }

  get opacity() {
    return this.#opacity;
  }

  get mode() {
    return this.#mode;
  }

  /** @returns {ReadonlySet<string>} names */
  get chosen() {
    return this.#chosen;
  }

  /** @returns {Task} the answer's; before it comes, the chosen pack's */
  get task() {
    return taskOf(this.record?.task ?? this.#pack?.task ?? "");
  }

  /** What the server has now. @param {readonly Pack[]} packs @param {Pack | null} pack the one that looks */
  offer(packs, pack) {
    this.#packs = packs;
    this.#pack = pack;
  }

  /** @param {Pack} pack that looks from now on, with its own threshold */
  usePack(pack) {
    this.#pack = pack;
    this.#threshold = pack.default_threshold;
  }

  /** @param {Photo} photo that a person gave */
  takePhoto(photo) {
    this.#photo = photo;
    this.#job = "";
    this.forget();
  }

  /** Neither the photo stays, nor what was found in it. */
  dropPhoto() {
    this.#photo = null;
    this.forget();
  }

  /** @param {Answer} answer about the photo @param {number} seconds it took */
  keepAnswer(answer, seconds) {
    this.#answer = answer;
    this.#seconds = seconds;
  }

  /** @param {string} job @param {Photo} photo of it @param {Answer} answer */
  showJobPhoto(job, photo, answer) {
    this.takePhoto(photo);
    this.keepAnswer(answer, 0);
    this.#job = job;
    // The job has left out what is not sure enough: the slider begins where nothing is hidden.
    const least = Math.min(...(this.task.scores(answer.record) ?? []), this.#threshold);
    this.#threshold = Math.floor(least * 100) / 100;
  }

  leaveJob() {
    this.#job = "";
  }

  /** A new question: what was found before is about something else. */
  forget() {
    this.#answer = null;
    this.#chosen.clear();
    if (this.#mode === "chosen") this.#mode = "all";
  }

  /** @param {string} label */
  toggle(label) {
    if (!this.#chosen.delete(label)) this.#chosen.add(label);
    this.#mode = this.#chosen.size > 0 ? "chosen" : "all";
  }

  chooseNothing() {
    this.#chosen.clear();
    this.#mode = "all";
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.#mode = mode;
  }

  /** @param {number} threshold */
  setThreshold(threshold) {
    this.#threshold = Math.min(1, Math.max(0, Math.round(threshold * 100) / 100));
  }

  /** @param {number} opacity */
  setOpacity(opacity) {
    this.#opacity = opacity;
  }

  /** @returns {NameRow[]} for the list at the right */
  rows() {
    const shown = this.#shown(this.#mode);
    return shown ? this.task.rows(shown) : [];
  }

  /** @param {Mode} [mode] @returns {Detection[]} to be drawn, surest first */
  boxes(mode = this.#mode) {
    const shown = this.#shown(mode);
    return shown ? this.task.boxes(shown) : [];
  }

  /** @param {number} longest px of its sides @param {Mode} [mode] @returns {Layer | null} over the photo */
  layer(longest, mode = this.#mode) {
    const shown = this.#shown(mode);
    return shown && this.task.layer(shown, longest);
  }

  /** @param {Mode} mode @returns {Shown | null} */
  #shown(mode) {
    if (!this.#answer) return null;
    const { record, pixels } = this.#answer;
    return { record, pixels, threshold: this.#threshold, opacity: this.#opacity, mode, chosen: this.#chosen };
  }
}
