// @ts-check
// Requests that may have to wait: for a key or a sign-in, for a place in the queue, for the models to be loaded.

import { asSentence } from "./sentences.js";
import { ServerError } from "./server.js";
import { askWho, learnWho } from "./signin.js";

const RETRY_SECONDS = 2;
const LONGEST_WAIT_SECONDS = 120;
const UNAUTHORIZED = 401;
const TOO_MANY = 429;

/**
 * Ask for a key, or to sign in, as long as the server wants another one.
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
export async function withKey(call) {
  for (let renewed = false; ; ) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (error.code === "csrf-missing" && !renewed) {
        // Somebody signed in anew in another tab, and the cookie is another one since.
        renewed = true;
        await learnWho();
      } else if (error.status !== UNAUTHORIZED || !(await askWho(asSentence(error.message)))) {
        throw error;
      }
    }
  }
}

/**
 * Try once more after the time that a busy server named.
 * @template T
 * @param {() => Promise<T>} call
 * @param {AbortSignal} signal
 * @param {(message: string) => void} tell
 * @returns {Promise<T>}
 */
export async function withOneRetry(call, signal, tell) {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== TOO_MANY) throw error;
    const seconds = Math.min(error.retryAfterSeconds ?? RETRY_SECONDS, LONGEST_WAIT_SECONDS);
    tell(`${asSentence(error.message)} Trying again in ${Math.ceil(seconds)} s.`);
    await sleep(seconds, signal);
    return call();
  }
}

/**
 * Look again and again until it is ended; a server that is away comes back.
 * @param {() => Promise<void>} look
 * @param {number} seconds between two looks
 * @param {AbortSignal} signal
 * @param {() => void} [away] called when the server does not answer
 * @returns {Promise<void>} what else goes wrong is thrown
 */
export async function keepLooking(look, seconds, signal, away = () => undefined) {
  while (!signal.aborted) {
    try {
      await look();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ServerError) || error.status !== 0) throw error;
      away();
    }
    await sleep(seconds, signal).catch(() => undefined);
  }
}

/** @param {number} seconds @param {AbortSignal} [signal] @returns {Promise<void>} */
export function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("another photo was chosen", "AbortError"));
    });
  });
}
