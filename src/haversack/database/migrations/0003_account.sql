-- People, their sessions, and API keys. Times are seconds since 1970 by the database's clock.
CREATE TABLE account_user (
    name TEXT PRIMARY KEY,
    -- scrypt's parameters, salt and hash in one text
    password TEXT NOT NULL,
    -- words with a space between
    scopes TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    -- of the password
    changed DOUBLE PRECISION NOT NULL
);

CREATE TABLE account_session (
    -- sha256 of the id that the browser keeps
    digest TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    address TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    -- a few minutes coarse
    seen DOUBLE PRECISION NOT NULL
);
CREATE INDEX account_session_user ON account_session (user_name);
CREATE INDEX account_session_seen ON account_session (seen);

CREATE TABLE account_key (
    -- sha256 of the key
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- a user, or '' for a program's own
    owner TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    -- an hour coarse
    used DOUBLE PRECISION,
    revoked DOUBLE PRECISION
);
CREATE UNIQUE INDEX account_key_name ON account_key (name) WHERE revoked IS NULL;
