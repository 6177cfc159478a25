-- Every statement of the room. Each may be run twice without harm.

-- name: add_user
INSERT INTO account_user (name, password, scopes, created, changed)
VALUES (:name, :password, :scopes, :now, :now)
ON CONFLICT DO NOTHING;

-- name: find_user
SELECT name, scopes, created, changed, password FROM account_user WHERE name = :name;

-- name: list_users
SELECT u.name, u.scopes, u.created, u.changed,
       (SELECT max(s.seen) FROM account_session AS s
        WHERE s.user_name = u.name AND s.created > :born AND s.seen > :awake),
       (SELECT count(*) FROM account_session AS s
        WHERE s.user_name = u.name AND s.created > :born AND s.seen > :awake)
FROM account_user AS u ORDER BY u.name;

-- name: has_users
SELECT 1 FROM account_user LIMIT 1;

-- name: change_password
UPDATE account_user SET password = :password, changed = :now WHERE name = :name RETURNING name;

-- name: change_scopes
UPDATE account_user SET scopes = :scopes WHERE name = :name RETURNING name;

-- name: remove_user
DELETE FROM account_user WHERE name = :name RETURNING name;

-- name: begin_session
INSERT INTO account_session (digest, user_name, address, created, seen)
SELECT CAST(:digest AS TEXT), name, CAST(:address AS TEXT), CAST(:now AS DOUBLE PRECISION),
       CAST(:now AS DOUBLE PRECISION)
FROM account_user WHERE name = :user AND changed = :changed
ON CONFLICT DO NOTHING;

-- name: find_session
SELECT s.user_name, s.address, s.created, s.seen, u.scopes
FROM account_session AS s JOIN account_user AS u ON u.name = s.user_name
WHERE s.digest = :digest AND s.created > :born AND s.seen > :awake;

-- name: touch_session
UPDATE account_session SET seen = :now WHERE digest = :digest AND seen < :before;

-- name: end_session
DELETE FROM account_session WHERE digest = :digest;

-- name: end_sessions
DELETE FROM account_session WHERE user_name = :user;

-- name: drop_old_sessions
DELETE FROM account_session WHERE created <= :born OR seen <= :awake;

-- name: add_key
INSERT INTO account_key (digest, name, owner, scopes, created)
VALUES (:digest, :name, :owner, :scopes, :now)
ON CONFLICT DO NOTHING;

-- name: find_key
SELECT k.name, k.owner, k.scopes, k.created, k.used, k.revoked, u.scopes
FROM account_key AS k LEFT JOIN account_user AS u ON u.name = k.owner
WHERE k.digest = :digest AND k.revoked IS NULL AND (k.owner = '' OR u.name IS NOT NULL);

-- name: list_keys
SELECT k.name, k.owner, k.scopes, k.created, k.used, k.revoked, CAST(NULL AS TEXT)
FROM account_key AS k ORDER BY k.name, k.created;

-- name: has_keys
SELECT 1 FROM account_key WHERE revoked IS NULL LIMIT 1;

-- name: touch_key
UPDATE account_key SET used = :now WHERE digest = :digest AND (used IS NULL OR used < :before);

-- name: revoke_key
UPDATE account_key SET revoked = :now WHERE name = :name AND revoked IS NULL RETURNING name;

-- name: revoke_keys_of
UPDATE account_key SET revoked = :now WHERE owner = :user AND revoked IS NULL;
