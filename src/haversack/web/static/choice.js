// @ts-check
// Which model looks: the one in the address, else the first that takes photos; changed in the menu.

import { showError, showStatus } from "./messages.js";
import { keyOf, reasonAgainst, showCurrent, showModels } from "./models.js";
import { here } from "./place.js";
import { ServerError } from "./server.js";

/** @import { Pack } from "./types.js" */
/** @import { State } from "./state.js" */

export class Choice {
  #shown = "";

  /**
   * @param {State} state
   * @param {{ changed: () => void, chosen: () => void }} told another model shall look; a person has chosen one
   */
  constructor(state, { changed, chosen }) {
    this.state = state;
    this.changed = changed;
    this.chosen = chosen;
  }

  /** Take over what the server has now. @param {Pack[]} packs */
  offer(packs) {
    const usable = packs.filter((pack) => reasonAgainst(pack) === "");
    const { pack: before } = this.state;
    const wanted = before ? keyOf(before) : fromAddress();
    const same = usable.find((pack) => keyOf(pack) === wanted || pack.name === wanted);
    const pack = same ?? usable[0] ?? null;
    this.state.offer(packs, pack);
    if (pack && (!before || keyOf(pack) !== keyOf(before))) this.#use(pack);
    this.#show();
    tell(usable.length);
  }

  /** @param {Pack} pack */
  choose(pack) {
    // An address of a job stays one.
    if (here().name === "photo") {
      history.replaceState(null, "", `#model=${encodeURIComponent(keyOf(pack))}`);
    }
    this.#use(pack);
    this.chosen();
    showCurrent(this.state.packs, pack);
  }

  /** @param {Pack} pack */
  #use(pack) {
    this.state.usePack(pack);
    this.changed();
  }

  /** The menu may be open: it is made anew only where something changed. */
  #show() {
    const { packs, pack } = this.state;
    showCurrent(packs, pack);
    const look = JSON.stringify([packs, pack && keyOf(pack)]);
    if (look === this.#shown) return;
    this.#shown = look;
    showModels(packs, pack, (chosen) => this.choose(chosen));
  }
}

function fromAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("model") ?? "";
}

/** @param {number} count of models that take photos */
function tell(count) {
  if (count > 0) return showStatus("good", count === 1 ? "Ready" : `Ready, ${count} models`);
  showStatus("bad", "No model");
  showError(
    new ServerError("This server has no model that looks at photos.", {
      hint: "Its owner can start it with one: haversack serve PACK",
    }),
  );
}
