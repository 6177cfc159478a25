// @ts-check
// Signing in and out: the form, and the person's name in the header.

import { byId } from "./elements.js";
import { askForKey, forgetKey } from "./keys.js";
import { Newest } from "./newest.js";
import { asSentence } from "./sentences.js";
import { beginSession, endSession, fetchSession, ServerError } from "./server.js";
import { currentSession, isSignedIn, keepSession } from "./session.js";

/** @import { Session } from "./types.js" */

const YES = "signed in";
const KEY = "a key instead";
const dialog = byId("signin-dialog", HTMLDialogElement);
const user = byId("user", HTMLInputElement);
const password = byId("password", HTMLInputElement);
const submit = byId("signin-submit", HTMLButtonElement);
const fault = byId("signin-fault", HTMLElement);

/** Ask at once where people sign in, before anything is refused. */
export async function greet() {
  const { sign_in: signsIn, name } = await learnWho();
  if (!signsIn || name !== null || (await askToSignIn(""))) return;
  throw new ServerError("You are not signed in", { hint: "Sign in to go on.", status: 401 });
}

/**
 * Ask for what the server wants: a person's password, or a key.
 * @param {string} reason what the server said
 * @returns {Promise<boolean>} whether it may be asked again
 */
export async function askWho(reason) {
  const wasSignedIn = isSignedIn();
  const session = await learnWho();
  if (!session.sign_in) return askForKey(reason);
  if (session.name !== null) return true; // signed in in another tab meanwhile
  return askToSignIn(wasSignedIn ? "You were signed out meanwhile. Sign in again to go on." : "");
}

/** @type {Newest<Session>} */
const sessions = new Newest((session) => {
  keepSession(session);
  byId("person", HTMLElement).hidden = !isSignedIn();
  byId("person-name", HTMLElement).textContent = session.name ?? "";
});

/** What the server says of who asks, shown in the header. */
export async function learnWho() {
  await sessions.ask(fetchSession);
  return currentSession();
}

/** @param {string} reason a sentence, or "" @returns {Promise<boolean>} */
async function askToSignIn(reason) {
  byId("signin-reason", HTMLElement).textContent =
    reason || "People who use this server have a user name and a password.";
  showFault("");
  if (!dialog.open) {
    dialog.returnValue = "";
    dialog.showModal();
  }
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue === KEY) return askForKey("It is used instead of a user name.");
  return dialog.returnValue === YES;
}

byId("signin-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn();
});
byId("signin-key", HTMLButtonElement).addEventListener("click", () => dialog.close(KEY));
byId("sign-out", HTMLButtonElement).addEventListener("click", () => void signOut());

async function signIn() {
  submit.disabled = true;
  showFault("");
  try {
    await beginSession(user.value.trim(), password.value);
    forgetKey();
    await learnWho();
    password.value = "";
    dialog.close(YES);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    showFault([asSentence(error.message), error.hint].filter(Boolean).join(" "));
    password.select();
  } finally {
    submit.disabled = false;
  }
}

async function signOut() {
  // Whatever the server says, this page shows nothing of that person any more.
  await endSession().catch(() => undefined);
  location.reload();
}

/** @param {string} text */
function showFault(text) {
  fault.textContent = text;
  fault.hidden = text === "";
}
