// @ts-check
// What the server says of itself: memory, requests, jobs, models.

import { byId, make, setText } from "./elements.js";
import { fetchStatus } from "./jobserver.js";
import { formatBytes, many } from "./jobwords.js";
import { showError } from "./messages.js";
import { formatSeconds } from "./models.js";
import { keepLooking, withKey } from "./patience.js";
import { showView } from "./views.js";

/** @import { ServerStatus } from "./types.js" */

const LOOK_SECONDS = 2;

export class ServerPanel {
  #watch = new AbortController();

  open() {
    this.close();
    this.#watch = new AbortController();
    showView("server");
    void this.#follow(this.#watch.signal);
  }

  close() {
    this.#watch.abort();
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    const look = async () => {
      const status = await withKey(fetchStatus);
      if (!signal.aborted) draw(status);
    };
    const away = () => setText("server-memory", "The server does not answer.");
    await keepLooking(look, LOOK_SECONDS, signal, away).catch(showError);
  }
}

/** @param {ServerStatus} status */
function draw({ memory, queue, jobs, models }) {
  const meter = byId("server-meter", HTMLMeterElement);
  const { budget_bytes: budget, in_use_bytes: used, resident_bytes: resident } = memory;
  meter.hidden = budget === null;
  meter.value = budget ? used / budget : 0;
  byId("server-memory", HTMLElement).textContent = budget
    ? `${formatBytes(used)} of ${formatBytes(budget)} of memory are spoken for; the process holds ${formatBytes(resident)}.`
    : `The process holds ${formatBytes(resident)} of memory.`;
  const facts = [
    ["Requests now", `${queue.in_house} of ${queue.limit} at most`],
    ["Waiting for memory", String(queue.waiting_for_memory)],
    ["Answered", queue.served.toLocaleString("en")],
    ["Told to come again", queue.refused.toLocaleString("en")],
    ["A request takes", `about ${formatSeconds(queue.seconds_each)}`],
    ["Jobs that wait", jobs ? jobs.queued.toLocaleString("en") : "the database is away"],
    ["Photos kept for jobs", jobs ? formatBytes(jobs.photo_bytes) : "?"],
    ...memory.parts.map(({ name, bytes }) => [`Memory: ${name}`, formatBytes(bytes)]),
  ];
  byId("server-facts", HTMLElement).replaceChildren(
    ...facts.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]),
  );
  byId("server-models", HTMLElement).replaceChildren(...models.map(modelLine));
}

/** @param {ServerStatus["models"][number]} model */
function modelLine({ name, version, loaded, bytes = 0, inferences = 0, cost_seconds: cost = 0 }) {
  const facts = loaded
    ? `${formatBytes(bytes)}, ${many(inferences, "request")}, ${formatSeconds(cost)} each`
    : "not in memory: it is loaded when it is asked for";
  return make("li", {}, [
    make("p", { className: "job-name" }, [
      make("strong", { text: `${name}@${version}` }),
      make("span", { className: "quiet", text: facts }),
    ]),
  ]);
}
