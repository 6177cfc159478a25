// @ts-check
// The same request as a command, for a shell.

/**
 * @param {object} asked
 * @param {string} asked.address of the pack
 * @param {string} asked.file the photo's name
 * @param {number} asked.threshold
 * @param {boolean} asked.hasThreshold whether the task knows one
 * @param {boolean} asked.hasKey whether the server wanted a key; it is named, never written out
 */
export function curlCommand({ address, file, threshold, hasThreshold, hasKey }) {
  const key = hasKey ? ' -H "Authorization: Bearer $KEY"' : "";
  const query = hasThreshold ? `?threshold=${threshold}` : "";
  return `curl${key} -F ${quoted(`image=@${formFile(file)}`)} ${quoted(address + query)}`;
}

/** In curl's -F a name with , or ; needs quotes of its own. @param {string} file */
function formFile(file) {
  const escaped = file.replace(/["\\]/g, "\\$&");
  return /[,;"\\]/.test(file) ? `"${escaped}"` : file;
}

/** One word for a POSIX shell. @param {string} word */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
