// @ts-check
// Where the page is, as its address says: a photo, a job, one photo of a job, the list, the server.

/** @typedef {{ name: "photo" | "job" | "jobs" | "server", job: string, photo: string }} Place */

/** @returns {Place} */
export function here() {
  const words = new URLSearchParams(location.hash.slice(1));
  const job = words.get("job") ?? "";
  if (job) return { name: "job", job, photo: words.get("photo") ?? "" };
  if (words.has("jobs")) return { name: "jobs", job: "", photo: "" };
  if (words.has("server")) return { name: "server", job: "", photo: "" };
  return { name: "photo", job: "", photo: "" };
}

/** @param {string} job @param {string} [photo] one of its photos @returns {string} */
export function hashOf(job, photo = "") {
  return `#job=${encodeURIComponent(job)}${photo ? `&photo=${encodeURIComponent(photo)}` : ""}`;
}

/** Go there, as a link would. @param {string} hash */
export function go(hash) {
  location.hash = hash;
}

let seen = location.href;

/** To a photo that the person gave: back leads to where they were. */
export function leave() {
  if (here().name !== "photo") history.pushState(null, "", location.pathname + location.search);
  seen = location.href;
}

/** @param {() => void} changed called when a link, back or forward led elsewhere */
export function watchPlace(changed) {
  const look = () => {
    if (location.href === seen) return;
    seen = location.href;
    changed();
  };
  // Most changes are told by both, some by one of them only.
  addEventListener("hashchange", look);
  addEventListener("popstate", look);
}
