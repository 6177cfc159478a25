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
 * @property {number | null} survey_tile px of a survey's tiles; null where it can do none
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
 * @typedef {object} Job
 * @property {string} id
 * @property {"queued" | "running" | "done" | "failed" | "dead" | "cancelled" | "expired"} state
 * @property {"predict" | "survey"} kind
 * @property {string} pack
 * @property {string | null} version
 * @property {string} image what its sender called it
 * @property {number} photos
 * @property {number | null} position
 * @property {{ done: number, total: number }} progress
 * @property {number | null} eta_seconds
 * @property {string} created
 * @property {string | null} started
 * @property {string | null} finished
 * @property {number} attempts
 * @property {{ code: string, message: string, hint: string } | null} error
 * @property {{ self: string, events: string, result: string | null, photo: string | null }} links
 *
 * @typedef {object} Summary a survey's result
 * @property {string} pack
 * @property {Record<string, number>} photos by status
 * @property {Record<string, number>} objects by label
 * @property {number} seconds
 * @property {{ photo: string, code: string, message: string }[]} problems
 * @property {{ name: string, bytes: number }[]} files
 *
 * @typedef {object} PhotoRow one photo of a survey
 * @property {string} name
 * @property {string} status
 * @property {number} width
 * @property {number} height
 * @property {Record<string, number>} objects by label
 * @property {number | null} start where its record begins in results.jsonl
 * @property {number} size
 * @property {{ code: string, message: string } | null} error
 *
 * @typedef {object} Upload
 * @property {string} id
 * @property {{ photos: number, photo_bytes: number, suffixes: string[] }} limits
 *
 * @typedef {object} GivenPhoto a photo, and its path in the folder that it came from
 * @property {File} file
 * @property {string} name
 *
 * @typedef {object} ServerStatus
 * @property {string} phase
 * @property {{ budget_bytes: number | null, in_use_bytes: number, resident_bytes: number, parts: { name: string, bytes: number }[] }} memory
 * @property {{ in_house: number, limit: number, served: number, refused: number, waiting_for_memory: number, seconds_each: number }} queue
 * @property {{ name: string, version: string, loaded: boolean, bytes?: number, inferences?: number, cost_seconds?: number }[]} models
 * @property {{ queued: number, photo_bytes: number } | null} jobs
 *
 * @typedef {object} Sample
 * @property {string} name
 * @property {string} url
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
