// @ts-check
// Every request about jobs and uploads.

import { keyHeaders } from "./keys.js";
import { address, change, get, getJson, send, transfer } from "./server.js";

/** @import { Job, Pack, PhotoRow, ServerStatus, Summary, Upload } from "./types.js" */

const RECORDS = "results.jsonl";
const INDEX = "photos.json";

/** @returns {Promise<Upload>} */
export async function beginUpload() {
  return (await change("POST", "uploads")).json();
}

/**
 * @param {string} upload @param {string} name its path in its folder @param {Blob} photo
 * @param {AbortSignal} signal @param {(share: number) => void} onSent
 */
export async function sendPhoto(upload, name, photo, signal, onSent) {
  const url = address(`uploads/${upload}?name=${encodeURIComponent(name)}`);
  // Without a type: a form's would be taken for one.
  await transfer({ url, body: photo.slice(0, photo.size, "application/octet-stream"), signal, onSent });
}

/** @param {string} upload */
export async function dropUpload(upload) {
  await change("DELETE", `uploads/${upload}`);
}

/**
 * @param {string} upload @param {Pack} pack
 * @param {{ name: string, tile: string }} asked px, or "whole"
 * @returns {Promise<Job>}
 */
export async function makeSurvey(upload, pack, { name, tile }) {
  const query = new URLSearchParams({ upload, name, tile });
  const path = `jobs/${encodeURIComponent(pack.name)}/versions/${pack.version}?${query}`;
  return (await change("POST", path)).json();
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Job>} */
export async function fetchJob(id, signal) {
  return getJson(pathOf(id), signal);
}

/** @param {string | null} after id of the last one before @returns {Promise<{ jobs: Job[], next: string | null }>} */
export async function fetchJobs(after) {
  return getJson(`jobs?limit=50${after ? `&after=${after}` : ""}`);
}

/** @param {string} id @returns {Promise<Job>} */
export async function cancelJob(id) {
  return (await change("DELETE", pathOf(id))).json();
}

/** @param {string} id @returns {Promise<Job>} */
export async function retryJob(id) {
  return (await change("POST", `${pathOf(id)}/retry`)).json();
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<string>} the record of a photo as it came */
export async function fetchRecordText(id, signal) {
  return (await get(`${pathOf(id)}/result`, signal)).text();
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<Summary>} */
export async function fetchSummary(id, signal) {
  return getJson(`${pathOf(id)}/result`, signal);
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<PhotoRow[]>} */
export async function fetchRows(id, signal) {
  return getJson(`${pathOf(id)}/files/${INDEX}`, signal);
}

/** One record of all. @param {string} id @param {PhotoRow} row @param {AbortSignal} signal @returns {Promise<string>} as it came */
export async function fetchRowText(id, row, signal) {
  const start = row.start ?? 0;
  const headers = { ...keyHeaders(), Range: `bytes=${start}-${start + row.size - 1}` };
  return (await send(`${pathOf(id)}/files/${RECORDS}`, { headers, signal })).text();
}

/** @param {string} id @param {string} name of one of a survey's photos, or "" @param {AbortSignal} signal @returns {Promise<Blob>} */
export async function fetchJobPhoto(id, name, signal) {
  const query = name ? `?name=${encodeURIComponent(name)}` : "";
  return (await get(`${pathOf(id)}/photo${query}`, signal)).blob();
}

/** @param {string} id @param {string} file @returns {string} where one of a survey's files is */
export function fileAddress(id, file) {
  return address(`${pathOf(id)}/files/${encodeURIComponent(file)}`);
}

/** @param {string} id @param {string} file @returns {Promise<Blob>} */
export async function fetchFile(id, file) {
  return (await get(`${pathOf(id)}/files/${encodeURIComponent(file)}`)).blob();
}

/** @returns {Promise<ServerStatus>} */
export async function fetchStatus() {
  return getJson("status");
}

/** @param {string} id */
function pathOf(id) {
  return `jobs/${encodeURIComponent(id)}`;
}
