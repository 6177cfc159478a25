-- A job is a row. Times are seconds since 1970 by the database's clock; switches are 0 or 1.
CREATE TABLE job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    pack TEXT NOT NULL,
    version TEXT NOT NULL,
    -- name, or name@version where the caller named one: who can do it
    wants TEXT NOT NULL,
    input TEXT NOT NULL,
    input_bytes BIGINT NOT NULL,
    input_removed INTEGER NOT NULL DEFAULT 0,
    image TEXT NOT NULL,
    options TEXT NOT NULL,
    owner TEXT NOT NULL,
    idempotency_key TEXT,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- not before, while it is queued; end of the lease, while it runs
    due DOUBLE PRECISION NOT NULL,
    deadline DOUBLE PRECISION,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    token TEXT NOT NULL DEFAULT '',
    worker TEXT NOT NULL DEFAULT '',
    progress_done BIGINT NOT NULL DEFAULT 0,
    progress_total BIGINT NOT NULL DEFAULT 0,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    error_hint TEXT NOT NULL DEFAULT '',
    result_bytes BIGINT NOT NULL DEFAULT 0,
    result_removed INTEGER NOT NULL DEFAULT 0,
    seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    created DOUBLE PRECISION NOT NULL,
    began DOUBLE PRECISION,
    started DOUBLE PRECISION,
    finished DOUBLE PRECISION,
    -- rises with every change that someone may see
    revision BIGINT NOT NULL DEFAULT 1,
    -- the last column, so that a list does not read it
    result TEXT
);
CREATE UNIQUE INDEX job_key ON job (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_waiting ON job (priority DESC, due, id) WHERE state = 'queued';
CREATE INDEX job_running ON job (due) WHERE state = 'running';
CREATE INDEX job_listed ON job (created DESC, id DESC);
CREATE INDEX job_cost ON job (pack, finished DESC) WHERE state = 'done';
CREATE INDEX job_input ON job (finished) WHERE input_removed = 0;
CREATE INDEX job_result ON job (finished) WHERE state = 'done' AND result_removed = 0;
CREATE INDEX job_input_name ON job (input);

CREATE TABLE job_fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
