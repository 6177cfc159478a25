-- A list of keys, given as JSON.
-- name: keys
SELECT value FROM json_each(:keys);

-- name: claim
WITH chosen AS MATERIALIZED (
    SELECT id FROM job
    WHERE state = 'queued' AND due <= :soon AND (deadline IS NULL OR deadline > :now)
      AND attempts <= :most_attempts
      AND kind IN (SELECT value FROM json_each(:kinds))
      AND wants IN (SELECT value FROM json_each(:packs))
    ORDER BY priority DESC, due, id
    LIMIT :count
)
UPDATE job
SET state = 'running', token = :token, worker = :worker, attempts = attempts + 1,
    due = :until, began = :now, started = coalesce(started, :now), revision = revision + 1
WHERE id IN (SELECT id FROM chosen)
RETURNING $columns;
