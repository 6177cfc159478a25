// @ts-check
// Waiting until the server is there and its models are loaded, and saying so.

import { showError, showStatus } from "./messages.js";
import { sleep, withKey } from "./patience.js";
import { fetchPacks, isReady, ServerError } from "./server.js";
import { greet } from "./signin.js";

/** @import { Pack } from "./types.js" */

const LOADING_SECONDS = 1;
const AWAY_SECONDS = 3;
let isTrying = false;

/** @param {(packs: Pack[]) => void} ready called when the server answers with its packs */
export async function connect(ready) {
  if (isTrying) return;
  isTrying = true;
  try {
    ready(await packsWhenReady());
  } catch (error) {
    showStatus("bad", "Not connected");
    showError(error, { again: () => void connect(ready) });
  } finally {
    isTrying = false;
  }
}

/** @returns {Promise<Pack[]>} however long it takes; a refusal is for a person to mend */
async function packsWhenReady() {
  for (;;) {
    try {
      if (await isReady()) {
        await greet();
        return await withKey(fetchPacks);
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
