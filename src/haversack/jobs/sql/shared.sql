-- Every statement of the store but `claim`. $columns are the fields of Job, in order.

-- name: put
INSERT INTO job (id, kind, pack, version, wants, input, input_bytes, image, options, owner,
                 idempotency_key, priority, state, due, deadline, max_attempts, created,
                 progress_total)
VALUES (:id, :kind, :pack, :version, :wants, :input, :input_bytes, :image, :options, :owner,
        :idempotency_key, :priority, 'queued', :now, :deadline, :max_attempts, :now, :photos)
ON CONFLICT DO NOTHING
RETURNING $columns;

-- name: find
SELECT $columns FROM job WHERE id = :id;

-- name: find_by_key
SELECT $columns FROM job WHERE owner = :owner AND idempotency_key = :idempotency_key;

-- name: beat
UPDATE job
SET due = :until,
    revision = revision
        + CASE WHEN progress_done <> :done OR progress_total <> :total THEN 1 ELSE 0 END,
    progress_done = :done,
    progress_total = :total,
    seconds = :seconds_left
WHERE id = :id AND token = :token AND state = 'running'
RETURNING id;

-- name: done
UPDATE job
SET state = 'done', result = :result, result_bytes = :result_bytes, version = :version,
    token = '', finished = :now, seconds = (:now - began) / :together, revision = revision + 1,
    progress_done = progress_total, error_code = '', error_message = '', error_hint = ''
WHERE id = :id AND token = :token AND state = 'running'
RETURNING id;

-- name: fail
UPDATE job
SET state = 'failed', token = '', finished = :now, seconds = :now - began,
    revision = revision + 1, error_code = :code, error_message = :message, error_hint = :hint
WHERE id = :id AND token = :token AND state = 'running'
RETURNING id;

-- name: release
UPDATE job
SET state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'queued' END,
    finished = CASE WHEN attempts >= max_attempts THEN :now END,
    due = :now + :delay, token = '', revision = revision + 1,
    error_code = :code, error_message = :message, error_hint = :hint
WHERE id = :id AND token = :token AND state = 'running'
RETURNING id;

-- name: hand_back
UPDATE job
SET state = 'queued', attempts = attempts - 1, due = :now, token = '', revision = revision + 1,
    progress_done = 0
WHERE id = :id AND token = :token AND state = 'running'
RETURNING id;

-- name: sweep_lapsed
UPDATE job
SET state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'queued' END,
    finished = CASE WHEN attempts >= max_attempts THEN :now END,
    due = :now + :backoff * (1 << attempts), token = '', revision = revision + 1,
    error_code = 'worker-lost',
    error_message = 'the worker ' || worker || ' stopped answering during attempt '
        || CAST(attempts AS TEXT) || ' of ' || CAST(max_attempts AS TEXT),
    error_hint = 'Its log says why; a job that ends its worker by itself needs more memory, or a smaller input.'
WHERE state = 'running' AND due <= :now
RETURNING $columns;

-- name: sweep_late
UPDATE job
SET state = 'expired', finished = :now, revision = revision + 1,
    error_code = 'job-expired', error_message = 'the deadline passed before the job started',
    error_hint = 'Give it more time, or start more workers.'
WHERE state = 'queued' AND deadline <= :now
RETURNING $columns;

-- name: cancel
UPDATE job
SET state = 'cancelled', finished = :now, token = '', revision = revision + 1
WHERE id = :id AND state IN ('queued', 'running')
RETURNING $columns;

-- name: retry
UPDATE job
SET state = 'queued', due = :now, deadline = NULL, max_attempts = attempts + 1, finished = NULL,
    progress_done = 0, error_code = '', error_message = '', error_hint = '',
    revision = revision + 1
WHERE id = :id AND state IN ('failed', 'dead') AND input_removed = 0
RETURNING $columns;

-- name: listed
SELECT $columns FROM job
WHERE (CAST(:state AS TEXT) IS NULL OR state = :state)
  AND (CAST(:kind AS TEXT) IS NULL OR kind = :kind)
  AND (CAST(:pack AS TEXT) IS NULL OR pack = :pack)
  AND (CAST(:owner AS TEXT) IS NULL OR owner = :owner)
  AND (CAST(:after AS TEXT) IS NULL
       OR (created, id) < (SELECT before.created, before.id FROM job AS before
                           WHERE before.id = :after))
ORDER BY created DESC, id DESC
LIMIT :limit;

-- name: place
WITH before AS (
    SELECT CASE WHEN progress_total > 0 THEN progress_total ELSE 1 END AS photos FROM job
    WHERE state = 'queued' AND kind = :kind
      AND (priority > :priority
           OR (priority = :priority AND (due < :due OR (due = :due AND id < :id))))
), running AS (
    SELECT CASE WHEN progress_total > 0 THEN progress_total - progress_done ELSE 1 END AS photos,
           worker
    FROM job WHERE state = 'running' AND kind = :kind
), lately AS (
    SELECT seconds, CASE WHEN progress_total > 0 THEN progress_total ELSE 1 END AS photos FROM job
    WHERE state = 'done' AND pack = :pack AND kind = :kind
    ORDER BY finished DESC LIMIT 20
)
SELECT (SELECT count(*) FROM before),
       (SELECT coalesce(sum(photos), 0) FROM before) + (SELECT coalesce(sum(photos), 0) FROM running),
       (SELECT count(DISTINCT worker) FROM running),
       (SELECT sum(seconds) / sum(photos) FROM lately);

-- name: result
SELECT state, result FROM job WHERE id = :id;

-- name: usage
SELECT (SELECT count(*) FROM job WHERE state = 'queued'),
       (SELECT CAST(coalesce(sum(input_bytes), 0) AS BIGINT) FROM job WHERE input_removed = 0)
       + (SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM job_file
          WHERE role = 'photo' AND job IN (SELECT id FROM upload));

-- What is to go is looked for by a plain read, which keeps nobody from writing, and then goes by its
-- keys: the sum over all that is kept would else be made anew, in a write, for each portion.
-- name: old_results
SELECT id, finished FROM (
    SELECT id, finished, sum(result_bytes) OVER (ORDER BY finished DESC, id DESC) AS held
    FROM job WHERE state = 'done' AND result_removed = 0
) AS kept
WHERE finished <= :before OR held > :quota
ORDER BY finished
LIMIT :most;

-- name: expire_results
UPDATE job
SET result = NULL, result_bytes = 0, result_removed = 1, revision = revision + 1
WHERE id IN ($keys) AND state = 'done' AND result_removed = 0
RETURNING id;

-- name: old_inputs
SELECT id, finished FROM (
    SELECT id, finished, sum(input_bytes) OVER (
        ORDER BY CASE WHEN finished IS NULL THEN 0 ELSE 1 END, finished DESC, id DESC) AS held
    FROM job WHERE input_removed = 0
) AS kept
WHERE finished IS NOT NULL AND (finished <= :before OR held > :quota)
ORDER BY finished
LIMIT :most;

-- One that was retried since it was found has not ended, or ended later.
-- name: expire_inputs
UPDATE job
SET input_removed = 1
WHERE id IN ($keys) AND finished <= :newest AND input_removed = 0
RETURNING input;

-- name: old_jobs
SELECT id, finished FROM job
WHERE input_removed = 1 AND finished <= :before AND (state <> 'done' OR result_removed = 1)
ORDER BY finished
LIMIT :most;

-- Without its input an ended job cannot be retried, so nobody brings one back meanwhile.
-- name: remove_jobs
DELETE FROM job
WHERE id IN ($keys) AND input_removed = 1 AND finished IS NOT NULL
  AND (state <> 'done' OR result_removed = 1)
RETURNING id;

-- name: has_blob
SELECT 1 FROM job WHERE input = :name AND input_removed = 0
UNION ALL
SELECT 1 FROM job_file WHERE blob = :name
UNION ALL
SELECT 1 FROM pack_copy WHERE blob = :name
LIMIT 1;


-- name: set_fact
INSERT INTO job_fact (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING;

-- name: change_fact
INSERT INTO job_fact (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: fact
SELECT value FROM job_fact WHERE name = :name;

-- A value is 14 digits of the time until which it is its holder's, a blank, and the holder. One
-- that is further off than two turns are long was taken before the clock was set back: it is nobody's.
-- name: take_turn
INSERT INTO job_fact (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE CAST(substr(job_fact.value, 1, 14) AS DOUBLE PRECISION) <= :now
   OR CAST(substr(job_fact.value, 1, 14) AS DOUBLE PRECISION) > :longest
   OR substr(job_fact.value, 16) = :holder
RETURNING name;

-- name: end_turn
DELETE FROM job_fact WHERE name = :name AND substr(value, 16) = :holder RETURNING name;
