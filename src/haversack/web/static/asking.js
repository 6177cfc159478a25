// @ts-check
// One question at a time: a photo comes in, the model is asked, the answer is kept. A new one ends it.

import * as messages from "./messages.js";
import { hasSiblings } from "./models.js";
import { withKey, withOneRetry } from "./patience.js";
import { closePhoto, openPhoto } from "./photo.js";
import { predict, predictAddress, ServerError } from "./server.js";
import { taskOf } from "./tasks/table.js";

/** @import { State } from "./state.js" */

export class Asking {
  #question = new AbortController();

  /**
   * @param {State} state
   * @param {() => void} show
   * @param {(status: number) => void} refused so that the reason can be looked for; 0 without an answer
   */
  constructor(state, show, refused) {
    this.state = state;
    this.show = show;
    this.refused = refused;
  }

  /** @param {(signal: AbortSignal) => Promise<Blob>} read @param {string} name */
  async takePhoto(read, name) {
    const signal = this.#next();
    const before = this.state.photo;
    try {
      const photo = await openPhoto(await read(signal), name);
      if (signal.aborted) return closePhoto(photo);
      this.state.takePhoto(photo);
      this.show();
      if (before) closePhoto(before);
      await this.#look(signal);
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  /** Whatever is asked is not waited for any more. */
  end() {
    this.#next();
  }

  /** Ask again about the photo at hand. */
  async lookAgain() {
    const signal = this.#next();
    this.state.forget();
    this.show();
    await this.#look(signal).catch((error) => this.#fail(error, signal));
  }

  #next() {
    this.#question.abort();
    this.#question = new AbortController();
    messages.clearAlert();
    messages.clearBusy();
    return this.#question.signal;
  }

  /** @param {AbortSignal} signal */
  async #look(signal) {
    const { photo, pack, packs } = this.state;
    messages.showBusy(pack ? "Sending" : "Waiting for a model");
    if (!pack) this.refused(0);
    if (!photo || !pack) return;
    const url = predictAddress(pack, hasSiblings(pack, packs));
    let began = 0;
    const call = () => {
      began = performance.now();
      return predict({ url, photo: photo.blob, name: photo.name, signal, onSent });
    };
    const answer = await withKey(() => withOneRetry(call, signal, messages.showNote));
    const pixels = await taskOf(answer.record.task).unpack(answer.record);
    if (signal.aborted) return;
    this.state.keepAnswer({ ...answer, pixels }, (performance.now() - began) / 1000);
    messages.clearAlert();
    messages.clearBusy();
    this.show();
  }

  /** @param {unknown} error @param {AbortSignal} signal */
  #fail(error, signal) {
    if (signal.aborted) return;
    messages.clearBusy();
    const { photo } = this.state;
    // A file that neither the browser nor the server can read is no photo to stay with.
    if (photo && !photo.bitmap) this.state.dropPhoto();
    this.show();
    const again = this.state.photo ? () => void this.lookAgain() : null;
    messages.showError(error, { about: photo?.name, again });
    if (error instanceof ServerError) this.refused(error.status);
  }
}

/** @param {number} share of the photo that has been sent */
function onSent(share) {
  if (share < 1) messages.showBusy(`Sending ${Math.round(share * 100)} %`, share);
  else messages.showBusy("Looking");
}
