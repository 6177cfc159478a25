// @ts-check
// Many photos on their way to the server: a few at a time, with patience where it is busy or away.

import { beginUpload, dropUpload, sendPhoto } from "./jobserver.js";
import { sleep, withKey } from "./patience.js";
import { ServerError } from "./server.js";

/** @import { GivenPhoto, Upload } from "./types.js" */

const AT_ONCE = 3;
const FIRST_PAUSE_SECONDS = 2;
const LONGEST_PAUSE_SECONDS = 30;
const TOO_MANY = 429;
const SERVER_FAULT = 500;

/** @typedef {{ bytes: number, photos: number, waiting: string }} Sent so far; why it waits, or "" */

export class Sending {
  #stop = new AbortController();
  #upload = "";
  /** @type {Map<string, number>} bytes of photos on their way */
  #partly = new Map();
  #bytes = 0;
  #photos = 0;
  #waiting = "";

  /** @param {(sent: Sent) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  /** @returns {Promise<Upload>} to which photos can be sent now */
  async begin() {
    const upload = await withKey(beginUpload);
    this.#upload = upload.id;
    return upload;
  }

  /** @param {readonly GivenPhoto[]} photos @returns {Promise<string>} the upload's id, when all have come */
  async send(photos) {
    const left = [...photos].reverse();
    const one = async () => {
      for (let photo = left.pop(); photo; photo = left.pop()) await this.#sendOne(photo);
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    } catch (error) {
      this.#stop.abort();
      throw error;
    }
    return this.#upload;
  }

  /** Nothing is sent any more, and what was is dropped. */
  async stop() {
    this.#stop.abort();
    // A server that cannot be told drops it after a day.
    if (this.#upload) await dropUpload(this.#upload).catch(() => undefined);
  }

  get isStopped() {
    return this.#stop.signal.aborted;
  }

  /** @param {GivenPhoto} photo */
  async #sendOne({ file, name }) {
    const { signal } = this.#stop;
    const onSent = (/** @type {number} */ share) => {
      this.#partly.set(name, share * file.size);
      this.#tell();
    };
    for (let pause = FIRST_PAUSE_SECONDS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS)) {
      try {
        await withKey(() => sendPhoto(this.#upload, name, file, signal, onSent));
        break;
      } catch (error) {
        if (!passes(error)) throw about(name, error);
        this.#waiting = error.status === 0 ? "The server does not answer; it is tried again." : error.message;
        this.#partly.delete(name);
        this.#tell();
        await sleep(Math.min(error.retryAfterSeconds ?? pause, LONGEST_PAUSE_SECONDS), signal);
      }
    }
    this.#waiting = "";
    this.#partly.delete(name);
    this.#bytes += file.size;
    this.#photos += 1;
    this.#tell();
  }

  #tell() {
    const partly = [...this.#partly.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.tell({ bytes: this.#bytes + partly, photos: this.#photos, waiting: this.#waiting });
  }
}

/** Whether it may go better later. @param {unknown} error @returns {error is ServerError} */
function passes(error) {
  if (!(error instanceof ServerError)) return false;
  return error.status === 0 || error.status === TOO_MANY || error.status >= SERVER_FAULT;
}

/** @param {string} name @param {unknown} error */
function about(name, error) {
  if (!(error instanceof ServerError)) return error;
  const { hint, status, code } = error;
  return new ServerError(`${name}: ${error.message}`, { hint, status, code });
}
