// @ts-check
// Shares and lists in words.

const NAMES_SAID = 8;

/** @param {number} share from 0 to 1 */
export function percent(share) {
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** @param {string[]} parts @returns {string} the first eight, and how many more there are */
export function listed(parts) {
  const rest = parts.length - NAMES_SAID;
  return parts.slice(0, NAMES_SAID).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
