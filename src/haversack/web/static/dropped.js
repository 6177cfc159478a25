// @ts-check
// Folders that were dropped, with the folders in them.

/** @import { GivenPhoto } from "./types.js" */

/** To be called while the drop is told: afterwards the browser has forgotten them. @param {DataTransfer} data */
export function droppedEntries(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  return entries.filter((entry) => entry !== null);
}

/** @param {readonly FileSystemEntry[]} entries @returns {Promise<GivenPhoto[]>} each under its path */
export async function photosOf(entries) {
  /** @type {GivenPhoto[]} */
  const found = [];
  const left = [...entries];
  for (let entry = left.pop(); entry; entry = left.pop()) {
    if (isFolder(entry)) left.push(...(await children(entry)));
    else if (isFile(entry)) found.push(await given(entry));
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

// Chromium has such entries, and no name for their kinds.

/** @param {FileSystemEntry} entry @returns {entry is FileSystemDirectoryEntry} */
function isFolder(entry) {
  return entry.isDirectory;
}

/** @param {FileSystemEntry} entry @returns {entry is FileSystemFileEntry} */
function isFile(entry) {
  return entry.isFile;
}

/** @param {FileSystemFileEntry} entry @returns {Promise<GivenPhoto>} */
function given(entry) {
  const name = entry.fullPath.replace(/^\//, "");
  return new Promise((resolve, reject) => {
    entry.file((file) => resolve({ file, name }), reject);
  });
}

/** A reader gives a hundred at a time. @param {FileSystemDirectoryEntry} folder */
async function children(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...some);
  }
}
