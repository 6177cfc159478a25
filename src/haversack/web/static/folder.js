// @ts-check
// Many photos become one job: what they are, how they shall be looked at, and the sending.

import { byId, make } from "./elements.js";
import { makeSurvey } from "./jobserver.js";
import { formatBytes, many } from "./jobwords.js";
import { clearAlert, showError, showNote } from "./messages.js";
import { keyOf, nameOf } from "./models.js";
import { withKey } from "./patience.js";
import { go, hashOf } from "./place.js";
import { Sending } from "./upload.js";
import { currentView, showView } from "./views.js";

/** @import { GivenPhoto, Pack } from "./types.js" */
/** @import { State } from "./state.js" */

/** What a browser may not know as a photo; the server has the last word. */
const OTHER_PHOTO = /\.(tiff?|heic|heif|hif|jp2|jxl|mpo|ppm|pgm|tga)$/i;
const model = byId("folder-model", HTMLSelectElement);
const tile = byId("folder-tile", HTMLInputElement);
const title = byId("folder-name", HTMLInputElement);

export class Folder {
  /** @type {GivenPhoto[]} */
  #photos = [];
  /** @type {Sending | null} */
  #sending = null;

  /** @param {State} state @param {() => void} left where to go when it is given up */
  constructor(state, left) {
    this.state = state;
    this.left = left;
    byId("folder-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start();
    });
    byId("folder-leave", HTMLElement).addEventListener("click", () => this.#leave());
    byId("folder-stop", HTMLElement).addEventListener("click", () => void this.#stop());
    byId("folder-way", HTMLElement).addEventListener("change", () => showTile());
    model.addEventListener("change", () => this.#proposeTile());
    addEventListener("beforeunload", (event) => {
      if (this.#sending) event.preventDefault();
    });
  }

  /** @param {GivenPhoto[]} given */
  open(given) {
    if (this.#sending) return showNote("Other photos are being sent; stop that first, or wait.");
    clearAlert();
    const photos = given.filter(isPhoto);
    const root = rootOf(photos);
    title.value = root;
    const cut = root ? root.length + 1 : 0;
    this.#photos = photos.map(({ file, name }) => ({ file, name: name.slice(cut) }));
    this.#offerModels();
    this.#describe(given.length - this.#photos.length);
    showSending(false);
    showView("folder");
  }

  /** Another model was chosen in the menu while this is seen. */
  follow() {
    const { pack } = this.state;
    if (currentView() !== "folder" || pack?.survey_tile == null) return;
    this.#offerModels();
  }

  /** Packs that can do it, the one that is chosen first. */
  #packs() {
    const able = this.state.packs.filter((pack) => pack.survey_tile !== null);
    // The list is fetched again and again: the same pack is another object each time.
    const chosen = this.state.pack && keyOf(this.state.pack);
    return able.sort((a, b) => Number(keyOf(b) === chosen) - Number(keyOf(a) === chosen));
  }

  #offerModels() {
    const packs = this.#packs();
    model.replaceChildren(
      ...packs.map((pack) => {
        const option = make("option", { text: nameOf(pack, this.state.packs) });
        option.value = keyOf(pack);
        return option;
      }),
    );
    byId("folder-start", HTMLButtonElement).disabled = packs.length === 0 || this.#photos.length === 0;
    if (packs.length === 0) {
      showNote(
        "Many photos at once need a model that finds objects, and this server has none. " +
          "For others: haversack predict MODEL FOLDER, in a terminal.",
      );
    }
    this.#proposeTile();
    showTile();
  }

  #proposeTile() {
    const pack = this.#chosen();
    tile.value = String(pack?.survey_tile ?? "");
  }

  /** @returns {Pack | undefined} */
  #chosen() {
    return this.#packs().find((pack) => keyOf(pack) === model.value);
  }

  /** @param {number} out files that are none */
  #describe(out) {
    const bytes = this.#photos.reduce((sum, { file }) => sum + file.size, 0);
    const facts = `${many(this.#photos.length, "photo")}, ${formatBytes(bytes)}. They go to this server and nowhere else.`;
    byId("folder-facts", HTMLElement).textContent = facts;
    byId("folder-out", HTMLElement).textContent = out > 0 ? `${many(out, "other file")} left out.` : "";
  }

  async #start() {
    const pack = this.#chosen();
    clearAlert();
    if (!pack) {
      this.#offerModels();
      return showNote("The server has the chosen model no more; choose another.");
    }
    const bytes = this.#photos.reduce((sum, { file }) => sum + file.size, 0);
    const sending = new Sending((sent) => showSent(sent, this.#photos.length, bytes));
    this.#sending = sending;
    showSending(true);
    showSent({ bytes: 0, photos: 0, waiting: "" }, this.#photos.length, bytes);
    try {
      const { limits } = await sending.begin();
      const photos = this.#fitting(limits);
      const upload = await sending.send(photos);
      const asked = { name: title.value.trim(), tile: isWhole() ? "whole" : tile.value };
      const job = await withKey(() => makeSurvey(upload, pack, asked));
      this.#sending = null;
      this.#photos = [];
      if (currentView() === "folder") go(hashOf(job.id));
      else showNote('The photos are sent. "Jobs", at the top, leads to what becomes of them.');
    } catch (error) {
      this.#sending = null;
      showSending(false);
      if (sending.isStopped && !(error instanceof Error && error.name !== "AbortError")) return;
      await sending.stop();
      showError(error, { again: () => void this.#start() });
    }
  }

  /** @param {{ photos: number, photo_bytes: number, suffixes: string[] }} limits */
  #fitting(limits) {
    const fits = this.#photos.filter(({ file, name }) => {
      const suffix = /\.[^./]+$/.exec(name)?.[0].toLowerCase() ?? "";
      return file.size > 0 && file.size <= limits.photo_bytes && limits.suffixes.includes(suffix);
    });
    const out = this.#photos.length - fits.length;
    if (fits.length === 0) throw new Error("none of these files is a photo that this server takes");
    if (fits.length > limits.photos) {
      throw new Error(`these are ${fits.length} photos; one job may have ${limits.photos}`);
    }
    if (out > 0) {
      showNote(
        `${many(out, "file")} left out: no photos, empty, or larger than ${formatBytes(limits.photo_bytes)}.`,
      );
    }
    this.#photos = fits;
    return fits;
  }

  async #stop() {
    await this.#sending?.stop();
    showNote("Stopped: what had been sent is dropped.");
  }

  #leave() {
    this.#photos = [];
    clearAlert();
    if (currentView() === "folder") this.left();
  }
}

function isWhole() {
  return document.querySelector("input[name=way][value=whole]:checked") !== null;
}

function showTile() {
  byId("folder-tile-box", HTMLElement).hidden = isWhole();
  tile.required = !isWhole();
}

/** @param {boolean} isSending */
function showSending(isSending) {
  byId("folder-form", HTMLElement).hidden = isSending;
  byId("folder-sending", HTMLElement).hidden = !isSending;
}

/** @param {import("./upload.js").Sent} sent @param {number} photos @param {number} bytes of all */
function showSent(sent, photos, bytes) {
  byId("folder-bar", HTMLProgressElement).value = bytes > 0 ? sent.bytes / bytes : 0;
  const words = `${sent.photos.toLocaleString("en")} of ${many(photos, "photo")} sent, ${formatBytes(sent.bytes)} of ${formatBytes(bytes)}.`;
  byId("folder-state", HTMLElement).textContent = sent.waiting ? `${words} ${sent.waiting}` : words;
}

/** @param {GivenPhoto} given */
function isPhoto({ file, name }) {
  const own = name.split("/").at(-1) ?? "";
  return !own.startsWith(".") && (file.type.startsWith("image/") || OTHER_PHOTO.test(name));
}

/** @param {readonly GivenPhoto[]} photos @returns {string} the folder that they all came from, or "" */
function rootOf(photos) {
  const roots = new Set(photos.map(({ name }) => (name.includes("/") ? name.split("/")[0] : "")));
  const [root] = roots;
  return roots.size === 1 && root ? root : "";
}
