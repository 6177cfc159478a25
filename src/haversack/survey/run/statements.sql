-- name: same_photo
SELECT id, status FROM photo WHERE path = ? AND bytes = ? AND mtime_ns = ?;

-- name: add_photo
INSERT INTO photo (path, bytes, mtime_ns, path_bytes) VALUES (?, ?, ?, ?);

-- name: drop_older
DELETE FROM photo WHERE path = ? AND NOT (bytes = ? AND mtime_ns = ?);

-- name: queue_again
UPDATE photo SET status = 'queued' WHERE status = 'vanished' AND id = ?;

-- name: queue_failed
UPDATE photo SET status = 'queued' WHERE status = 'failed';

-- name: mark_vanished
UPDATE photo SET status = 'vanished', error_code = 'photo-vanished',
    error = 'the file is no longer there' WHERE status IN ('queued', 'failed') AND id = ?;

-- name: open_photos
SELECT id, path, path_bytes, bytes, mtime_ns FROM photo WHERE status = 'queued' ORDER BY path;

-- name: counts
SELECT status, count(*), sum(tiles), sum(tiles_skipped), sum(tiles_missing), sum(tiles_quartered),
    sum(tiles_truncated), sum(seconds_decode), sum(seconds_model)
FROM photo GROUP BY status;

-- name: failures
SELECT path, status, error_code, error, path_bytes FROM photo
WHERE status IN ('failed', 'partial', 'vanished') ORDER BY path;

-- name: drop_raw
DELETE FROM raw WHERE photo_id = ?;

-- name: drop_found
DELETE FROM found WHERE photo_id = ?;

-- name: add_raw
INSERT INTO raw (photo_id, number, tile, class_id, score, x1, y1, x2, y2, cut)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_found
INSERT INTO found (photo_id, number, class_id, score, x1, y1, x2, y2, mask, review, counted)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: read_raw
SELECT tile, class_id, score, x1, y1, x2, y2, cut FROM raw WHERE photo_id = ? ORDER BY number;

-- name: read_found
SELECT class_id, score, x1, y1, x2, y2, mask, review, counted FROM found WHERE photo_id = ?
ORDER BY number;

-- name: sized_photos
SELECT id, width, height FROM photo WHERE status IN ('done', 'partial') ORDER BY path;

-- name: found_by_class
SELECT class_id, count(*), count(DISTINCT photo_id) FROM found WHERE counted
GROUP BY class_id ORDER BY class_id;

-- name: get_meta
SELECT value FROM meta WHERE key = ?;

-- name: set_meta
INSERT INTO meta (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;
