// @ts-check
// The page put together.

import { Asking } from "./asking.js";
import { Choice } from "./choice.js";
import { connect } from "./connection.js";
import { byId } from "./elements.js";
import { chooseFile, watchIntake } from "./intake.js";
import { watchArrows, watchKeyboard } from "./keyboard.js";
import { showNote } from "./messages.js";
import { toggleMenu, watchMenu } from "./models.js";
import { withKey } from "./patience.js";
import { watchPointer } from "./pointer.js";
import { Reach } from "./reach.js";
import { fileOf, showSamples } from "./samples.js";
import { Screen } from "./screen.js";
import { fetchPacks, fetchPhoto, fetchSamples } from "./server.js";
import { Stage } from "./stage.js";
import { State } from "./state.js";
import { copyCurl, savePicture, saveRecord } from "./taking.js";

const THRESHOLD_STEP = 0.05;
const ZOOM_STEP = 1.5;

const state = new State();
const stage = new Stage();
const reach = new Reach(stage, state);
const screen = new Screen(state, stage, reach);
const asking = new Asking(state, () => screen.show(), (status) => {
  if (status === 0) void connect(offer);
  if (status === 404) refreshPacks();
});
const choice = new Choice(state, () => {
  if (state.photo) void asking.lookAgain();
});

watchIntake((photo, more) => {
  void asking.takePhoto(async () => photo, photo.name);
  if (more > 0) showNote("One photo at a time: this is the first of those you gave.");
});
watchPointer(stage, reach);
watchArrows(stage);
watchMenu(refreshPacks);
watchControls();
watchKeyboard([
  { keys: ["o"], text: "open a photo", action: chooseFile },
  { keys: ["m"], text: "choose a model", action: toggleMenu },
  { keys: ["1"], text: "draw all", action: () => screen.setMode("all") },
  { keys: ["2"], text: "draw the chosen", action: () => screen.setMode("chosen") },
  { keys: ["3"], text: "the original", action: () => screen.setMode("original") },
  { keys: ["["], text: "show less sure ones, too", action: () => moveThreshold(-THRESHOLD_STEP) },
  { keys: ["]"], text: "show surer ones only", action: () => moveThreshold(THRESHOLD_STEP) },
  { keys: ["n"], text: "next object", action: () => reach.step(1) },
  { keys: ["p"], text: "previous object", action: () => reach.step(-1) },
  { keys: ["+", "="], text: "zoom in", action: () => stage.zoom(ZOOM_STEP) },
  { keys: ["-"], text: "zoom out", action: () => stage.zoom(1 / ZOOM_STEP) },
  { keys: ["0"], text: "the whole photo", action: () => stage.fit() },
  { keys: ["s"], text: "save the picture", action: () => void savePicture(state) },
  { keys: ["j"], text: "save the record", action: () => saveRecord(state) },
  { keys: ["Escape"], text: "choose nothing", action: () => screen.showAll() },
]);

screen.show();
void connect(offer);
void offerSamples();

/** @param {import("./types.js").Pack[]} packs */
function offer(packs) {
  choice.offer(packs);
}

/** Packs may have been loaded or unloaded meanwhile. */
function refreshPacks() {
  // What is known stays where the server does not answer: the next question will tell.
  withKey(fetchPacks).then(offer, () => undefined);
}

async function offerSamples() {
  const samples = await fetchSamples().catch(() => []);
  showSamples(samples, (sample) => {
    void asking.takePhoto((signal) => fetchPhoto(sample, signal), fileOf(sample));
  });
}

/** @param {number} by */
function moveThreshold(by) {
  if (state.record?.detections) screen.setThreshold(state.threshold + by);
}

function watchControls() {
  const threshold = byId("threshold", HTMLInputElement);
  const opacity = byId("opacity", HTMLInputElement);
  threshold.addEventListener("input", () => screen.setThreshold(threshold.valueAsNumber));
  opacity.addEventListener("input", () => screen.setOpacity(opacity.valueAsNumber));
  byId("threshold-reset", HTMLElement).addEventListener("click", () => {
    screen.setThreshold(state.pack?.default_threshold ?? state.threshold);
  });
  byId("mode", HTMLElement).addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement) screen.setMode(target.value);
  });
  byId("save-picture", HTMLElement).addEventListener("click", () => void savePicture(state));
  byId("save-record", HTMLElement).addEventListener("click", () => saveRecord(state));
  byId("copy-curl", HTMLElement).addEventListener("click", () => void copyCurl());
}
