// @ts-check
// The words of the page, for the type checker: what the server sends and what the page keeps.

/**
 * @typedef {object} Pack
 * @property {string} name
 * @property {string} version
 * @property {string} task "detect", "label-map", "classify" or another
 * @property {string[]} labels
 * @property {string} description
 * @property {string} licence
 * @property {boolean} loaded
 * @property {boolean} takes_pictures
 * @property {number} default_threshold
 * @property {string} accuracy a sentence, or ""
 * @property {number | null} speed_seconds as measured by this server for one photo
 *
 * @typedef {object} Detection
 * @property {string} label
 * @property {number} class_id
 * @property {number} score
 * @property {[number, number, number, number]} box xyxy in pixels of the upright photo
 *
 * @typedef {object} ClassScore
 * @property {string} label
 * @property {number} class_id
 * @property {number} score
 *
 * @typedef {object} LegendEntry
 * @property {string} label
 * @property {number} class_id
 * @property {number} pixels
 *
 * @typedef {object} PhotoRecord one image's record
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {string} pack
 * @property {string} version
 * @property {string} task
 * @property {Detection[]} [detections]
 * @property {ClassScore[]} [classes]
 * @property {LegendEntry[]} [legend]
 * @property {string} [map] gray PNG in base64; a pixel's level is its class_id
 * @property {boolean} [truncated]
 * @property {number} [candidates]
 * @property {Record<string, number>} [timing]
 *
 * @typedef {object} LabelMap
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} classIds row by row
 *
 * @typedef {object} Session who asks, as the server sees it
 * @property {boolean} sign_in whether people sign in here
 * @property {string | null} name
 * @property {string[]} scopes
 * @property {string | null} csrf_token where a cookie says who asks
 *
 * @typedef {object} Sample
 * @property {string} name
 * @property {string} url
 *
 * @typedef {object} NamedCount one line of the list of names
 * @property {string} label
 * @property {number} class_id
 * @property {number} count
 * @property {number} best the surest one's score
 *
 * @typedef {object} View where the photo lies on the stage: stage = photo * scale + offset
 * @property {number} scale
 * @property {number} x
 * @property {number} y
 *
 * @typedef {object} Size
 * @property {number} width
 * @property {number} height
 *
 * @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Brush
 *
 * @typedef {"all" | "chosen" | "original"} Mode
 */

export {};
