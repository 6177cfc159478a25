// @ts-check
// One job: how far it is, live, and what came of it.

import { byId, setText } from "./elements.js";
import { cancelJob, fetchJob, fetchRows, fetchSummary, retryJob } from "./jobserver.js";
import { hasEnded, share, stateSentence, titleOf } from "./jobwords.js";
import { showError } from "./messages.js";
import { sleep, withKey } from "./patience.js";
import { asSentence } from "./sentences.js";
import { ServerError } from "./server.js";
import { hideSurvey, showSurvey } from "./surveyview.js";
import { showView } from "./views.js";

/** @import { Job, PhotoRow, Summary } from "./types.js" */

const LOOK_SECONDS = 1;
const AWAY_SECONDS = 3;
const SURE_SECONDS = 4;
const SAID_SECONDS = 2;
const SERVER_FAULT = 500;
const bar = byId("job-bar", HTMLProgressElement);
const cancel = byId("job-cancel", HTMLButtonElement);
const retry = byId("job-retry", HTMLButtonElement);

/** @typedef {{ job: Job, summary: Summary, rows: PhotoRow[] }} Survey */

export class JobView {
  #watch = new AbortController();
  /** @type {Job | null} */
  #job = null;
  /** @type {Survey | null} */
  #survey = null;

  /** @param {(job: Job) => void} showPhoto called with a job of one photo that is done */
  constructor(showPhoto) {
    this.showPhoto = showPhoto;
    cancel.addEventListener("click", () => void this.#cancel());
    retry.addEventListener("click", () => void this.#retry());
    byId("job-copy", HTMLElement).addEventListener("click", () => void copyAddress());
  }

  /** @param {string} id */
  open(id) {
    this.close();
    this.#watch = new AbortController();
    if (this.#job?.id !== id) {
      this.#job = this.#survey = null;
      showUnknown();
    }
    showView("job");
    if (this.#survey) {
      showJob(this.#survey.job);
      showSurvey(this.#survey);
      return;
    }
    void this.#follow(id, this.#watch.signal);
  }

  close() {
    this.#watch.abort();
  }

  /** What is known of a survey that is done. @param {string} id @param {AbortSignal} signal @returns {Promise<Survey>} */
  async survey(id, signal) {
    if (this.#survey?.job.id === id) return this.#survey;
    const job = await withKey(() => fetchJob(id, signal));
    const [summary, rows] = await Promise.all([fetchSummary(id, signal), fetchRows(id, signal)]);
    // Another job may be shown by now, and its buttons act on the one that is kept here.
    signal.throwIfAborted();
    this.#job = job;
    this.#survey = { job, summary, rows };
    return this.#survey;
  }

  /** @param {string} id @param {AbortSignal} signal */
  async #follow(id, signal) {
    try {
      for (;;) {
        const job = await this.#patiently(() => withKey(() => fetchJob(id, signal)), signal);
        if (signal.aborted) return;
        this.#job = job;
        showJob(job);
        if (job.state === "done") return await this.#showDone(job, signal);
        if (hasEnded(job)) return;
        await sleep(LOOK_SECONDS, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ServerError) return showFault(error);
      throw error;
    }
  }

  /** @param {Job} job @param {AbortSignal} signal */
  async #showDone(job, signal) {
    if (job.kind === "predict") return this.showPhoto(job);
    const found = await this.#patiently(() => this.survey(job.id, signal), signal);
    if (!signal.aborted) showSurvey(found);
  }

  /** A server that is away comes back, and then all goes on. @template T @param {() => Promise<T>} call @param {AbortSignal} signal @returns {Promise<T>} */
  async #patiently(call, signal) {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const isAway = error instanceof ServerError && (error.status === 0 || error.status >= SERVER_FAULT);
        if (!isAway || signal.aborted) throw error;
        byId("job-state", HTMLElement).textContent =
          "The server does not answer. The job is kept there; this page goes on when it is back.";
        await sleep(AWAY_SECONDS, signal);
      }
    }
  }

  async #cancel() {
    if (!this.#job) return;
    if (this.#job.kind === "survey" && !isSure()) return;
    await this.#change(cancelJob);
  }

  async #retry() {
    await this.#change(retryJob);
  }

  /** @param {(id: string) => Promise<Job>} call */
  async #change(call) {
    const job = this.#job;
    if (!job) return;
    const { signal } = this.#watch;
    try {
      await withKey(() => call(job.id));
    } catch (error) {
      showError(error, { about: titleOf(job) });
    }
    // Not where the person has gone elsewhere meanwhile.
    if (!signal.aborted) this.open(job.id);
  }
}

/** Asked by the button itself: a night's work is not lost by one click. */
function isSure() {
  if (cancel.dataset.asked) return true;
  cancel.dataset.asked = "yes";
  cancel.textContent = "Really? Its work is lost";
  setTimeout(calm, SURE_SECONDS * 1000);
  return false;
}

function calm() {
  delete cancel.dataset.asked;
  cancel.textContent = "Cancel the job";
}

/** @param {Job} job */
function showJob(job) {
  setText("job-title", titleOf(job));
  setText("job-state", stateSentence(job));
  const done = share(job);
  bar.hidden = job.state !== "running";
  if (done === null) bar.removeAttribute("value");
  else bar.value = done;
  const fault = job.error && [job.error.message, job.error.hint].filter(Boolean).map(asSentence);
  setText("job-fault", fault?.join(" ") ?? "");
  byId("job-fault", HTMLElement).hidden = !fault;
  cancel.hidden = hasEnded(job);
  retry.hidden = job.state !== "failed" && job.state !== "dead";
  document.title = `${titleOf(job)} · Haversack`;
}

function showUnknown() {
  calm();
  hideSurvey();
  setText("job-title", "Job");
  setText("job-state", "Looking for it…");
  for (const id of ["job-bar", "job-fault", "job-cancel", "job-retry"]) byId(id, HTMLElement).hidden = true;
}

/** @param {ServerError} error */
function showFault(error) {
  const isNone = error.status === 404;
  setText("job-state", isNone ? "There is no such job here." : asSentence(error.message));
  setText("job-fault", isNone ? "Its address may be cut off, it may be another person's, or it was removed by age." : error.hint);
  byId("job-fault", HTMLElement).hidden = false;
}

async function copyAddress() {
  const button = byId("job-copy", HTMLButtonElement);
  try {
    // Without TLS a browser gives no clipboard, except to pages of the machine itself.
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copy it from the address line";
  }
  setTimeout(() => (button.textContent = "Copy the address"), SAID_SECONDS * 1000);
}
