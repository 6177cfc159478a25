-- Every statement of the store of packs.

-- name: put
INSERT INTO pack_copy (name, version, digest, blob, bytes)
VALUES (:name, :version, :digest, :blob, :bytes)
ON CONFLICT (name, version)
DO UPDATE SET digest = excluded.digest, blob = excluded.blob, bytes = excluded.bytes;

-- name: find
SELECT name, version, digest, blob, bytes FROM pack_copy
WHERE name = :name AND version = :version;

-- name: all
SELECT name, version, digest, blob, bytes FROM pack_copy ORDER BY name, version;

-- name: remove
DELETE FROM pack_copy WHERE name = :name AND version = :version AND digest = :digest
RETURNING blob;
