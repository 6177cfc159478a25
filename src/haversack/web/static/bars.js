// @ts-check
// Classes with their scores as bars.

import { byId, make } from "./elements.js";
import { percent } from "./words.js";

/** @import { ClassScore } from "./types.js" */

const list = byId("bars", HTMLElement);

/** @param {readonly ClassScore[]} classes surest first; [] hides the bars */
export function showBars(classes) {
  list.hidden = classes.length === 0;
  list.replaceChildren(...classes.map(bar));
}

/** @param {ClassScore} one */
function bar(one) {
  const fill = make("span", { className: "bar-fill" });
  fill.style.width = `${100 * one.score}%`;
  return make("li", {}, [
    make("span", { className: "bar-label", text: one.label }),
    make("span", { className: "bar-value", text: percent(one.score) }),
    make("span", { className: "bar" }, [fill]),
  ]);
}
