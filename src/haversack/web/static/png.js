// @ts-check
// Gray PNGs, read to the exact level: a canvas would pass them through colour management, and some
// browsers add noise to what is read back from one. Source: PNG specification, third edition.

/** @import { LabelMap } from "./types.js" */

const SIGNATURE_BYTES = 8;
const GRAY = 0;

/**
 * @param {string} base64 an 8-bit gray PNG, not interlaced
 * @returns {Promise<LabelMap>}
 */
export async function readGrayPng(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const { header, packed } = chunksOf(bytes);
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [depth, colour, interlace] = [header.getUint8(8), header.getUint8(9), header.getUint8(12)];
  if (depth !== 8 || colour !== GRAY || interlace !== 0) {
    throw new Error("the map is no 8-bit gray PNG");
  }
  const inflated = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  const rows = new Uint8Array(await new Response(inflated).arrayBuffer());
  return { width, height, classIds: unfiltered(rows, width, height) };
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function chunksOf(bytes) {
  const data = new DataView(bytes.buffer);
  let header = new DataView(new ArrayBuffer(13));
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const packed = [];
  for (let at = SIGNATURE_BYTES; at + 12 <= bytes.length; ) {
    const size = data.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IHDR") header = new DataView(bytes.buffer, at + 8, size);
    if (kind === "IDAT") packed.push(bytes.subarray(at + 8, at + 8 + size));
    at += size + 12;
  }
  return { header, packed };
}

/** @param {Uint8Array} rows each led by its filter @param {number} width @param {number} height */
function unfiltered(rows, width, height) {
  const levels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const filter = rows[row * (width + 1)] ?? 0;
    const source = rows.subarray(row * (width + 1) + 1, (row + 1) * (width + 1));
    const target = levels.subarray(row * width, (row + 1) * width);
    const above = row > 0 ? levels.subarray((row - 1) * width, row * width) : new Uint8Array(width);
    if (filter === 0) target.set(source);
    else unfilterRow(filter, source, target, above);
  }
  return levels;
}

/** @param {number} filter @param {Uint8Array} source @param {Uint8Array} target @param {Uint8Array} above */
function unfilterRow(filter, source, target, above) {
  for (let i = 0; i < source.length; i++) {
    const left = i > 0 ? (target[i - 1] ?? 0) : 0;
    const up = above[i] ?? 0;
    const corner = i > 0 ? (above[i - 1] ?? 0) : 0;
    target[i] = (source[i] ?? 0) + predicted(filter, left, up, corner);
  }
}

/** @param {number} filter @param {number} left @param {number} up @param {number} corner */
function predicted(filter, left, up, corner) {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const [byLeft, byUp] = [Math.abs(up - corner), Math.abs(left - corner)];
  const byCorner = Math.abs(left + up - 2 * corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}
