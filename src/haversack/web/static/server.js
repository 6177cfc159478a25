// @ts-check
// Every request to the server, and its refusals as errors with a sentence and a next step.

import { keyHeaders } from "./keys.js";
import { tokenHeaders } from "./session.js";

/** @import { Pack, PhotoRecord, Sample, Session } from "./types.js" */

/** What the server, or the way to it, refused. */
export class ServerError extends Error {
  /**
   * @param {string} message one sentence
   * @param {{ hint?: string, status?: number, code?: string, retryAfterSeconds?: number | null }} [more]
   */
  constructor(message, { hint = "", status = 0, code = "", retryAfterSeconds = null } = {}) {
    super(message);
    this.hint = hint;
    /** 0 where no answer came */
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The address of a path of this server, also where a proxy serves the page below a prefix. @param {string} path */
export function address(path) {
  return new URL(path.replace(/^\//, ""), document.baseURI).href;
}

/** @returns {Promise<Pack[]>} the loaded packs */
export async function fetchPacks() {
  /** @type {{ packs: Pack[] }} */
  const answer = await getJson("packs");
  return answer.packs.filter((pack) => pack.loaded);
}

/** @returns {Promise<Sample[]>} */
export async function fetchSamples() {
  /** @type {{ samples: Sample[] }} */
  const answer = await getJson("samples");
  return answer.samples;
}

/** @param {Sample} sample @param {AbortSignal} signal @returns {Promise<Blob>} */
export async function fetchPhoto(sample, signal) {
  return (await get(sample.url, signal)).blob();
}

/** @returns {Promise<Session>} who asks */
export async function fetchSession() {
  return getJson("session");
}

/** The answer's cookie is the browser's; no script sees it. @param {string} user @param {string} password */
export async function beginSession(user, password) {
  const headers = { "Content-Type": "application/json" };
  await send("session", { method: "POST", headers, body: JSON.stringify({ user, password }) });
}

export async function endSession() {
  await send("session", { method: "DELETE", headers: tokenHeaders() });
}

/** @returns {Promise<boolean>} whether the models are loaded */
export async function isReady() {
  const response = await fetch(address("v2/health/ready")).catch(() => null);
  if (!response) throw noAnswer();
  return response.ok;
}

/**
 * @param {Pack} pack @param {boolean} withVersion where several versions of a name are loaded
 * @returns {string} where photos for it are sent
 */
export function predictAddress(pack, withVersion) {
  const name = encodeURIComponent(pack.name);
  return address(`predict/${name}${withVersion ? `/versions/${pack.version}` : ""}`);
}

/**
 * Send a photo, and hear what is in it.
 * @param {object} asked
 * @param {string} asked.url
 * @param {Blob} asked.photo
 * @param {string} asked.name of the photo
 * @param {AbortSignal} asked.signal
 * @param {(sent: number) => void} asked.onSent a share from 0 to 1
 * @returns {Promise<{ record: PhotoRecord, text: string }>} the text as it came
 */
export async function predict({ url, photo, name, signal, onSent }) {
  const body = new FormData();
  body.append("image", photo, name);
  // Every score is asked for once; the slider then needs no further request.
  const text = await transfer({ url: `${url}?threshold=0&map=true`, body, signal, onSent });
  return { record: JSON.parse(text), text };
}

/**
 * Send a body. XMLHttpRequest, because fetch tells no progress of an upload.
 * @param {object} sent
 * @param {string} sent.url
 * @param {XMLHttpRequestBodyInit} sent.body
 * @param {AbortSignal} sent.signal
 * @param {(sent: number) => void} sent.onSent a share from 0 to 1
 * @returns {Promise<string>} the answer's text
 */
export function transfer({ url, body, signal, onSent }) {
  const request = new XMLHttpRequest();
  request.open("POST", url);
  for (const [header, value] of Object.entries({ ...keyHeaders(), ...tokenHeaders() })) {
    request.setRequestHeader(header, value);
  }
  request.upload.onprogress = (event) => onSent(event.loaded / Math.max(1, event.total));
  return new Promise((resolve, reject) => {
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.onabort = () => reject(new DOMException("it is not wanted any more", "AbortError"));
    request.onerror = () => reject(noAnswer());
    request.onload = () => {
      const { status, responseText: text } = request;
      if (status < 200 || status > 299) {
        reject(refusal(status, text, request.getResponseHeader("Retry-After")));
      } else {
        resolve(text);
      }
    };
    if (signal.aborted) request.onabort?.(new ProgressEvent("abort"));
    else request.send(body);
  });
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function getJson(path, signal) {
  return (await get(path, signal)).json();
}

/** @param {string} path @param {AbortSignal} [signal] */
export async function get(path, signal) {
  return send(path, { headers: keyHeaders(), signal });
}

/** Something that changes. @param {string} method @param {string} path @returns {Promise<Response>} */
export async function change(method, path) {
  return send(path, { method, headers: { ...keyHeaders(), ...tokenHeaders() } });
}

/** @param {string} path @param {RequestInit} asked */
export async function send(path, asked) {
  const response = await fetch(address(path), asked).catch((fault) => {
    throw fault instanceof DOMException ? fault : noAnswer();
  });
  if (response.ok) return response;
  throw refusal(response.status, await response.text(), response.headers.get("Retry-After"));
}

function noAnswer() {
  return new ServerError("The server does not answer.", {
    hint: "Look whether it still runs, then try again.",
  });
}

/** @param {number} status @param {string} text @param {string | null} retryAfter */
function refusal(status, text, retryAfter) {
  const seconds = Number.parseFloat(retryAfter ?? "");
  const retryAfterSeconds = Number.isFinite(seconds) ? seconds : null;
  try {
    const { error, hint, code } = JSON.parse(text);
    if (typeof error === "string") {
      return new ServerError(error, { hint, code, status, retryAfterSeconds });
    }
  } catch {
    // A proxy in between answers in HTML: its page would tell a person nothing.
  }
  const hint = status === 413 ? "The photo is too large for it: send a smaller copy." : "";
  return new ServerError(`The server answered with status ${status}.`, {
    hint: hint || "Try again; if it stays so, ask the server's owner.",
    status,
    retryAfterSeconds,
  });
}
