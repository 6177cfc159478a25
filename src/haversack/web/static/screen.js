// @ts-check
// Everything on the screen that follows from the state.

import { byId } from "./elements.js";
import { showPanel } from "./panel.js";
import { isPhotoView, showView } from "./views.js";

/** @import { Reach } from "./reach.js" */
/** @import { Stage } from "./stage.js" */
/** @import { State } from "./state.js" */

/** The stage needs no finer layer: with 24 MP tinting takes 150 ms, with this 15. */
const LAYER_PX = 2048;

export class Screen {
  /** @param {State} state @param {Stage} stage @param {Reach} reach */
  constructor(state, stage, reach) {
    this.state = state;
    this.stage = stage;
    this.reach = reach;
  }

  show() {
    const { state, stage } = this;
    showPhotoView(state);
    showPanel(state, (label) => this.toggle(label));
    stage.showPhoto(state.photo, state.record);
    stage.showBoxes(state.boxes());
    stage.showLayer(state.layer(LAYER_PX));
    this.reach.reset();
    const summary = byId("summary", HTMLElement).textContent;
    const words = [state.photo?.name, summary].filter(Boolean).join(": ");
    byId("stage", HTMLElement).setAttribute("aria-label", words || "The photo");
  }

  /** @param {string} label */
  toggle(label) {
    this.state.toggle(label);
    this.show();
  }

  /** @param {string} mode */
  setMode(mode) {
    if (mode === "chosen" && this.state.chosen.size === 0) return;
    if (mode === "all" || mode === "chosen" || mode === "original") this.state.setMode(mode);
    this.show();
  }

  showAll() {
    this.state.chooseNothing();
    this.show();
  }

  /** @param {number} threshold */
  setThreshold(threshold) {
    this.state.setThreshold(threshold);
    this.show();
  }

  /** @param {number} opacity */
  setOpacity(opacity) {
    this.state.setOpacity(opacity);
    this.show();
  }
}

/** @param {State} state */
function showPhotoView({ photo }) {
  if (isPhotoView()) showView(photo ? "result" : "start");
  const notice = byId("notice", HTMLElement);
  notice.hidden = !photo || photo.bitmap !== null;
  notice.textContent = "This browser cannot show this kind of photo. The list says what was found in it.";
}
