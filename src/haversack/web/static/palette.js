// @ts-check
// A class's colour: the same on the page as in photos drawn by `haversack predict --draw`.

/**
 * Told apart by colour-blind people too. Source: Okabe and Ito, "Color Universal Design" (2008),
 * with white in the place of black, which is lost on shadows.
 * @type {readonly (readonly [number, number, number])[]}
 */
export const PALETTE = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
  [245, 245, 245],
];

/** @param {number} classId @returns {readonly [number, number, number]} levels from 0 to 255 */
export function levelsOf(classId) {
  return PALETTE[classId % PALETTE.length] ?? [245, 245, 245];
}

/** @param {number} classId @returns {string} for a style */
export function colourOf(classId) {
  return `rgb(${levelsOf(classId).join(" ")})`;
}

/**
 * Black or white, whichever stands out more on a class's colour. Source: WCAG 2.1, relative
 * luminance.
 * @param {number} classId
 */
export function inkOn(classId) {
  const [red, green, blue] = levelsOf(classId).map((level) => (level / 255) ** 2.2);
  const luminance = 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  return luminance > 0.179 ? "#000" : "#fff";
}
