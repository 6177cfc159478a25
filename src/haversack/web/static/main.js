// @ts-check
// The page put together.

import { Asking } from "./asking.js";
import { Choice } from "./choice.js";
import { Connection } from "./connection.js";
import { byId } from "./elements.js";
import { Folder } from "./folder.js";
import { chooseFile, watchIntake } from "./intake.js";
import { JobPhoto } from "./jobphoto.js";
import { JobsList } from "./jobslist.js";
import { JobView } from "./jobview.js";
import { watchArrows, watchKeyboard } from "./keyboard.js";
import { clearAlert, showError } from "./messages.js";
import { toggleMenu, watchMenu } from "./models.js";
import { watchPointer } from "./pointer.js";
import { Reach } from "./reach.js";
import { here, leave, watchPlace } from "./place.js";
import { fileOf, showSamples } from "./samples.js";
import { Screen } from "./screen.js";
import { fetchPhoto, fetchSamples } from "./server.js";
import { ServerPanel } from "./serverpanel.js";
import { Stage } from "./stage.js";
import { State } from "./state.js";
import { copyCurl, saveShown, saveRecord } from "./taking.js";
import { showView } from "./views.js";

const THRESHOLD_STEP = 0.05;
const ZOOM_STEP = 1.5;
const TITLE = document.title;

const state = new State();
const stage = new Stage();
const reach = new Reach(stage, state);
const screen = new Screen(state, stage, reach);
const asking = new Asking(state, () => screen.show(), (status) => {
  if (status === 0) void connection.connect();
  if (status === 404) connection.refresh();
});
const folder = new Folder(state, () => route());
const choice = new Choice(state, {
  changed: () => {
    if (state.photo) void asking.lookAgain();
  },
  chosen: () => folder.follow(),
});
const connection = new Connection((packs) => choice.offer(packs));

const jobPhoto = new JobPhoto(state, () => {
  // A model may have been chosen meanwhile: its answer would be about the photo before this one.
  asking.end();
  showView("result");
  screen.show();
});
const jobView = new JobView((job) => showJobPhoto((signal) => jobPhoto.showOnly(job, signal)));
const jobsList = new JobsList();
const serverPanel = new ServerPanel();

const forgetDropped = watchIntake((photos) => {
  const [first] = photos;
  if (photos.length > 1 || first?.name.includes("/")) return openFolder(photos);
  if (first) takePhoto(async () => first.file, first.name);
});
watchPlace(route);
watchPointer(stage, reach);
watchArrows(stage);
watchMenu(() => connection.refresh());
watchControls();
watchKeyboard([
  { keys: ["o"], text: "open a photo", action: chooseFile },
  { keys: ["m"], text: "choose a model", action: toggleMenu },
  { keys: ["1"], text: "draw all", action: () => screen.setMode("all") },
  { keys: ["2"], text: "draw the chosen", action: () => screen.setMode("chosen") },
  { keys: ["3"], text: "the original", action: () => screen.setMode("original") },
  { keys: ["["], text: "show less sure ones, too", action: () => moveThreshold(-THRESHOLD_STEP) },
  { keys: ["]"], text: "show surer ones only", action: () => moveThreshold(THRESHOLD_STEP) },
  { keys: ["ArrowRight", "l"], text: "next photo of a job", action: () => stepPhoto(1) },
  { keys: ["ArrowLeft", "h"], text: "photo before it", action: () => stepPhoto(-1) },
  { keys: ["n"], text: "next object", action: () => reach.step(1) },
  { keys: ["p"], text: "previous object", action: () => reach.step(-1) },
  { keys: ["+", "="], text: "zoom in", action: () => stage.zoom(ZOOM_STEP) },
  { keys: ["-"], text: "zoom out", action: () => stage.zoom(1 / ZOOM_STEP) },
  { keys: ["0"], text: "the whole photo", action: () => stage.fit() },
  { keys: ["s"], text: "save the photo as shown", action: () => void saveShown(state) },
  { keys: ["j"], text: "save the record", action: () => saveRecord(state) },
  { keys: ["Escape"], text: "choose nothing", action: () => screen.showAll() },
]);

screen.show();
route();
void connection.connect();
void offerSamples();

async function offerSamples() {
  const samples = await fetchSamples().catch(() => []);
  showSamples(samples, (sample) => {
    takePhoto((signal) => fetchPhoto(sample, signal), fileOf(sample));
  });
}

/** @param {(signal: AbortSignal) => Promise<Blob>} read @param {string} name */
function takePhoto(read, name) {
  leave();
  leaveJobs();
  jobPhoto.hide();
  showView(state.photo ? "result" : "start");
  void asking.takePhoto(read, name);
}

/** @param {import("./types.js").GivenPhoto[]} photos */
function openFolder(photos) {
  leave();
  leaveJobs();
  folder.open(photos);
}

/** Show what the address says. */
function route() {
  const place = here();
  leaveJobs();
  clearAlert();
  document.title = TITLE;
  if (place.name === "jobs") return jobsList.open();
  if (place.name === "server") return serverPanel.open();
  if (place.name === "photo") return showPlaceForPhoto();
  if (!place.photo) return jobView.open(place.job);
  void showJobPhoto(async (signal) => {
    await jobPhoto.showOne(await jobView.survey(place.job, signal), place.photo, signal);
  });
}

function leaveJobs() {
  forgetDropped();
  jobPhoto.end();
  jobView.close();
  jobsList.close();
  serverPanel.close();
}

function showPlaceForPhoto() {
  // A job's photo has an address of its own, and this is another.
  if (state.job) {
    jobPhoto.hide();
    state.dropPhoto();
  }
  showView(state.photo ? "result" : "start");
  screen.show();
}

/** @param {(signal: AbortSignal) => Promise<void>} show */
async function showJobPhoto(show) {
  asking.end();
  const signal = jobPhoto.begin();
  try {
    await show(signal);
  } catch (error) {
    if (!signal.aborted) showError(error, { again: route });
  }
}

/** The photo at hand as a job, in tiles. */
function lookCloser() {
  const { photo } = state;
  if (!photo) return;
  openFolder([{ file: new File([photo.blob], photo.name, { type: photo.blob.type }), name: photo.name }]);
}

/** @param {1 | -1} way */
function stepPhoto(way) {
  if (state.job && !stage.isZoomed) jobPhoto.step(way);
}

/** @param {number} by */
function moveThreshold(by) {
  if (state.record && state.task.scores(state.record)) screen.setThreshold(state.threshold + by);
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
  byId("save-shown", HTMLElement).addEventListener("click", () => void saveShown(state));
  byId("save-record", HTMLElement).addEventListener("click", () => saveRecord(state));
  byId("copy-curl", HTMLElement).addEventListener("click", () => void copyCurl());
  byId("closer", HTMLElement).addEventListener("click", lookCloser);
}
