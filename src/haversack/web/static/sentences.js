// @ts-check
// The server's messages as sentences.

/** They begin small and end bare, as in a log. @param {string} message */
export function asSentence(message) {
  const text = message.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
