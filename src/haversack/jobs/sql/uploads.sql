-- Every statement of uploads and files.

-- name: begin
INSERT INTO upload (id, owner, created, touched) VALUES (:id, :owner, :now, :now);

-- name: find
SELECT id, owner,
       (SELECT count(*) FROM job_file WHERE job = upload.id AND role = 'photo'),
       (SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM job_file
        WHERE job = upload.id AND role = 'photo'),
       EXISTS (SELECT 1 FROM job WHERE job.id = upload.id)
FROM upload WHERE id = :id;

-- name: owner
SELECT owner FROM upload WHERE id = :id;

-- Only while it is an upload and no job yet, and while it is not full.
-- name: add
INSERT INTO job_file (job, role, name, blob, bytes)
SELECT :id, 'photo', :name, :blob, :bytes
WHERE EXISTS (SELECT 1 FROM upload WHERE id = :id)
  AND NOT EXISTS (SELECT 1 FROM job WHERE id = :id)
  AND (SELECT count(*) FROM job_file WHERE job = :id AND role = 'photo') < :most
ON CONFLICT DO NOTHING
RETURNING name;

-- name: touch
UPDATE upload SET touched = :now WHERE id = :id AND touched < :before;

-- name: keep_result
INSERT INTO job_file (job, role, name, blob, bytes) VALUES (:id, 'result', :name, :blob, :bytes)
ON CONFLICT (job, role, name) DO UPDATE SET blob = excluded.blob, bytes = excluded.bytes;

-- name: file
SELECT name, blob, bytes FROM job_file WHERE job = :id AND role = :role AND name = :name;

-- name: files
SELECT name, blob, bytes FROM job_file WHERE job = :id AND role = :role ORDER BY name;

-- name: end
DELETE FROM upload WHERE id = :id RETURNING id;

-- name: end_old
DELETE FROM upload
WHERE touched <= :before OR EXISTS (SELECT 1 FROM job WHERE job.id = upload.id)
RETURNING id;

-- Looked for by a plain read, and then gone by their blobs: a blob's name ends in its job, so rows
-- that share one go together.
-- name: old_photos
SELECT blob FROM job_file AS file
WHERE role = 'photo'
  AND NOT EXISTS (SELECT 1 FROM upload WHERE upload.id = file.job)
  AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = file.job AND input_removed = 0)
LIMIT :most;

-- name: remove_photos
DELETE FROM job_file
WHERE blob IN ($keys) AND role = 'photo'
  AND NOT EXISTS (SELECT 1 FROM upload WHERE upload.id = job_file.job)
  AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = job_file.job AND input_removed = 0)
RETURNING blob;

-- Of a job that ended in another way an earlier attempt may have kept files.
-- name: old_results
SELECT blob FROM job_file AS file
WHERE role = 'result'
  AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = file.job AND result_removed = 0
                    AND state IN ('queued', 'running', 'done'))
LIMIT :most;

-- name: remove_results
DELETE FROM job_file
WHERE blob IN ($keys) AND role = 'result'
  AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = job_file.job AND result_removed = 0
                    AND state IN ('queued', 'running', 'done'))
RETURNING blob;
