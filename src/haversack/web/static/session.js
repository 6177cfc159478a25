// @ts-check
// What is known of who is signed in; their cookie itself is hidden from every script.

/** @import { Session } from "./types.js" */

/** @type {Session} nobody, until the server has told */
let current = { sign_in: false, name: null, scopes: [], csrf_token: null };

/** @param {Session} session as the server told it */
export function keepSession(session) {
  current = session;
}

/** @returns {Session} */
export function currentSession() {
  return current;
}

/** @returns {boolean} whether a cookie, not a key, says who asks */
export function isSignedIn() {
  return Boolean(current.csrf_token);
}

/** What a request that changes something has to repeat, so that only this page can make it. @returns {Record<string, string>} */
export function tokenHeaders() {
  return current.csrf_token ? { "X-CSRF-Token": current.csrf_token } : {};
}
