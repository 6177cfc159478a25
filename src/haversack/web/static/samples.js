// @ts-check
// The sample photos under the drop area.

import { byId, make } from "./elements.js";
import { address } from "./server.js";

/** @import { Sample } from "./types.js" */

/** @param {readonly Sample[]} samples @param {(sample: Sample) => void} take */
export function showSamples(samples, take) {
  byId("samples", HTMLElement).hidden = samples.length === 0;
  byId("sample-list", HTMLElement).replaceChildren(
    ...samples.map((sample) => make("li", {}, [thumbnail(sample, take)])),
  );
}

/** @param {Sample} sample @returns {string} its file's name */
export function fileOf({ url }) {
  return decodeURIComponent(url.split("/").at(-1) ?? "photo");
}

/** @param {Sample} sample @param {(sample: Sample) => void} take */
function thumbnail(sample, take) {
  const image = make("img");
  image.loading = "lazy";
  image.alt = "";
  image.src = address(sample.url);
  const button = make("button", { className: "sample" }, [image, make("span", { text: sample.name })]);
  button.type = "button";
  button.addEventListener("click", () => take(sample));
  return button;
}
