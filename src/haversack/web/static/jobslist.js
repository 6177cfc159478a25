// @ts-check
// The caller's jobs, the newest first, kept fresh while some go on.

import { byId, make } from "./elements.js";
import { fetchJobs } from "./jobserver.js";
import { ago, hasEnded, stateSentence, titleOf } from "./jobwords.js";
import { showError } from "./messages.js";
import { keepLooking, withKey } from "./patience.js";
import { hashOf } from "./place.js";
import { showView } from "./views.js";

/** @import { Job } from "./types.js" */

const LOOK_SECONDS = 3;
const more = byId("jobs-more", HTMLButtonElement);

export class JobsList {
  #watch = new AbortController();
  /** @type {Job[]} of later pages, which are not looked at again */
  #older = [];
  /** @type {string | null} */
  #next = null;
  #drawn = "";

  constructor() {
    more.addEventListener("click", () => void this.#showMore());
  }

  open() {
    this.close();
    this.#watch = new AbortController();
    this.#older = [];
    more.disabled = false;
    showView("jobs");
    void this.#follow(this.#watch.signal);
  }

  close() {
    this.#watch.abort();
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    const look = async () => {
      const { jobs, next } = await withKey(() => fetchJobs(null));
      if (signal.aborted) return;
      if (this.#older.length === 0) this.#next = next;
      this.#draw([...jobs, ...this.#older]);
    };
    await keepLooking(look, LOOK_SECONDS, signal).catch((error) => {
      showError(error, { again: () => this.open() });
    });
  }

  async #showMore() {
    const { signal } = this.#watch;
    more.disabled = true;
    try {
      const { jobs, next } = await withKey(() => fetchJobs(this.#next));
      if (signal.aborted) return;
      this.#older.push(...jobs);
      this.#next = next;
      this.#drawn = "";
      byId("jobs-list", HTMLElement).append(...jobs.map(line));
      more.hidden = next === null;
    } catch (error) {
      if (!signal.aborted) showError(error);
    } finally {
      if (!signal.aborted) more.disabled = false;
    }
  }

  /** @param {Job[]} jobs */
  #draw(jobs) {
    byId("jobs-none", HTMLElement).hidden = jobs.length > 0;
    more.hidden = this.#next === null;
    // Drawn anew only where something changed: a focused link must not be lost every three seconds.
    const look = JSON.stringify(jobs.map((job) => [job.id, job.state, job.progress, job.position]));
    if (look === this.#drawn) return;
    this.#drawn = look;
    const list = byId("jobs-list", HTMLElement);
    const focused = document.activeElement?.getAttribute("href");
    list.replaceChildren(...jobs.map(line));
    const again = focused && list.querySelector(`a[href="${CSS.escape(focused)}"]`);
    if (again instanceof HTMLElement) again.focus();
  }
}

/** @param {Job} job */
function line(job) {
  const link = make("a", { text: titleOf(job) });
  link.href = hashOf(job.id);
  const facts = `${job.pack}, ${ago(job.created, Date.now())}`;
  const parts = [
    make("p", { className: "job-name" }, [link, make("span", { className: "quiet", text: facts })]),
    make("p", { className: "job-says", text: stateSentence(job) }),
  ];
  if (job.state === "running" && job.progress.total > 0) {
    const bar = make("progress");
    bar.value = job.progress.done / job.progress.total;
    bar.setAttribute("aria-label", "Done");
    parts.push(make("p", {}, [bar]));
  }
  const item = make("li", {}, parts);
  item.dataset.state = hasEnded(job) ? job.state : "open";
  return item;
}
