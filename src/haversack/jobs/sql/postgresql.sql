-- A list of keys, given as JSON.
-- name: keys
SELECT json_array_elements_text(CAST(:keys AS json));

-- ANY (ARRAY(...)) is computed once and leaves the index its order: 0.15 ms instead of 1.4 with IN,
-- which sorted all 1,500 jobs that waited (2 vCPU, PostgreSQL 18).
-- name: claim
WITH chosen AS MATERIALIZED (
    SELECT id FROM job
    WHERE state = 'queued' AND due <= :soon AND (deadline IS NULL OR deadline > :now)
      AND attempts <= :most_attempts
      AND kind = ANY (ARRAY(SELECT json_array_elements_text(CAST(:kinds AS json))))
      AND wants = ANY (ARRAY(SELECT json_array_elements_text(CAST(:packs AS json))))
    ORDER BY priority DESC, due, id
    LIMIT :count
    FOR UPDATE SKIP LOCKED
)
UPDATE job
SET state = 'running', token = :token, worker = :worker, attempts = attempts + 1,
    due = :until, began = :now, started = coalesce(started, :now), revision = revision + 1
WHERE id IN (SELECT id FROM chosen)
RETURNING $columns;
