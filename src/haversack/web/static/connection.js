// @ts-check
// Waiting until the server is there and its models are loaded, and saying so.

import { showError, showStatus } from "./messages.js";
import { Newest } from "./newest.js";
import { sleep, withKey } from "./patience.js";
import { fetchPacks, isReady, ServerError } from "./server.js";
import { greet } from "./signin.js";

/** @import { Pack } from "./types.js" */

const LOADING_SECONDS = 1;
const AWAY_SECONDS = 3;

export class Connection {
  #isTrying = false;
  /** @type {Newest<Pack[]>} */
  #packs;

  /** @param {(packs: Pack[]) => void} ready called when the server answers with its packs */
  constructor(ready) {
    this.#packs = new Newest(ready);
  }

  /** Ask until the server answers. */
  async connect() {
    if (this.#isTrying) return;
    this.#isTrying = true;
    try {
      await this.#takeWhenReady();
    } catch (error) {
      showStatus("bad", "Not connected");
      showError(error, { again: () => void this.connect() });
    } finally {
      this.#isTrying = false;
    }
  }

  /** Packs may have been loaded or unloaded meanwhile. */
  refresh() {
    // What is known stays where the server does not answer: the next question will tell.
    this.#take().catch(() => undefined);
  }

  /** However long it takes; a refusal is for a person to mend. */
  async #takeWhenReady() {
    for (;;) {
      try {
        if (await isReady()) {
          await greet();
          return await this.#take();
        }
        showStatus("wait", "The models are being loaded");
        await sleep(LOADING_SECONDS);
      } catch (error) {
        if (!(error instanceof ServerError) || error.status !== 0) throw error;
        showStatus("bad", "The server does not answer");
        await sleep(AWAY_SECONDS);
      }
    }
  }

  #take() {
    return withKey(() => this.#packs.ask(fetchPacks));
  }
}
