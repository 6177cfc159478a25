-- Every statement of webhooks.

-- Of a job that is put already nothing changes; of an earlier try that came to nothing it does.
-- name: put
INSERT INTO job_webhook (job, url, due)
SELECT :job, :url, :now
WHERE NOT EXISTS (SELECT 1 FROM job WHERE id = :job)
ON CONFLICT (job) DO UPDATE SET url = excluded.url, due = excluded.due;

-- name: drop
DELETE FROM job_webhook
WHERE job = :job AND NOT EXISTS (SELECT 1 FROM job WHERE id = :job);

-- name: address
SELECT url FROM job_webhook WHERE job = :job;

-- The outer `due` is looked at again where two servers want the same row at once.
-- name: claim
UPDATE job_webhook
SET due = :until, attempts = attempts + 1, state = 'waiting'
WHERE due <= :now AND job IN (
    SELECT hook.job FROM job_webhook AS hook JOIN job ON job.id = hook.job
    WHERE hook.due <= :now AND job.finished IS NOT NULL AND job.finished > hook.told
    ORDER BY hook.due
    LIMIT :count)
RETURNING job, url, attempts;

-- name: told
UPDATE job_webhook
SET state = :state, error = :error, attempts = 0, due = :now, told = :finished
WHERE job = :job;

-- name: again
UPDATE job_webhook SET due = :due, error = :error WHERE job = :job;

-- name: find
SELECT state, attempts, error FROM job_webhook WHERE job = :job;

-- name: remove
DELETE FROM job_webhook
WHERE due <= :before AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = job_webhook.job)
RETURNING job;
