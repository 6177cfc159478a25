// @ts-check
// Jobs in words. Nothing here touches the page.

/** @import { Job } from "./types.js" */

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** @param {number} bytes */
export function formatBytes(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[power]}`;
}

/** @param {number} seconds @returns {string} "about 5 min" */
export function about(seconds) {
  if (seconds < 50) return `about ${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 50 * 60) return `about ${Math.round(seconds / 60)} min`;
  const hours = seconds / 3600;
  if (hours < 36) return `about ${hours < 9.5 ? hours.toFixed(1).replace(/\.0$/, "") : hours.toFixed(0)} h`;
  return `about ${Math.round(hours / 24)} days`;
}

/** @param {number} count @param {string} word @returns {string} "1 photo", "2 photos" */
export function many(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

/** @param {Job} job @returns {string} what a list and a heading call it */
export function titleOf(job) {
  if (job.image) return job.image;
  return job.kind === "survey" ? many(job.photos, "photo") : "A photo";
}

/** @param {Job} job */
export function hasEnded({ state }) {
  return state !== "queued" && state !== "running";
}

/** @param {Job} job @returns {string} one sentence */
export function stateSentence(job) {
  const left = job.eta_seconds === null ? "" : `, ${about(job.eta_seconds)} left`;
  switch (job.state) {
    case "queued":
      if (job.error) return "It will be tried again.";
      return job.position && job.position > 1
        ? `It waits: ${job.position - 1} before it${left}.`
        : `It is the next to be done${left}.`;
    case "running":
      return job.progress.total > 0
        ? `${job.progress.done.toLocaleString("en")} of ${many(job.progress.total, "photo")} done${left}.`
        : "The model looks at it.";
    case "done":
      return `Done${took(job)}.`;
    case "failed":
      return "It cannot be done.";
    case "dead":
      return `It was tried ${many(job.attempts, "time")}, and given up.`;
    case "cancelled":
      return "It was cancelled.";
    case "expired":
      return "Its time ran out before it was begun.";
  }
}

/** @param {Job} job @returns {number | null} from 0 to 1; null where nobody knows */
export function share({ progress: { done, total }, state }) {
  return state === "running" && total > 0 ? done / total : null;
}

/** @param {string} time @param {number} now in ms @returns {string} "5 min ago" */
export function ago(time, now) {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  return seconds < 5 ? "just now" : `${about(seconds).replace("about ", "")} ago`;
}

/** @param {Job} job */
function took({ started, finished }) {
  if (!started || !finished) return "";
  return ` in ${about((Date.parse(finished) - Date.parse(started)) / 1000).replace("about ", "")}`;
}
