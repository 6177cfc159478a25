-- Whom to tell when a job has ended.
CREATE TABLE job_webhook (
    job TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    -- not before; while it is being told, until when nobody else tries
    due DOUBLE PRECISION NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- 'waiting', 'delivered' or 'given-up'
    state TEXT NOT NULL DEFAULT 'waiting',
    error TEXT NOT NULL DEFAULT '',
    -- the end that was told last, by its time: a job that is retried ends once more
    told DOUBLE PRECISION NOT NULL DEFAULT 0
);
CREATE INDEX job_webhook_due ON job_webhook (due);
