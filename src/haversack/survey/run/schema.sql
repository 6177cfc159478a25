-- The state of one survey. Names and meanings are a contract: see docs/reference/run-folder.md.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE photo (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    -- of a name that is no UTF-8, its bytes; path shows them escaped
    path_bytes BLOB,
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'done', 'partial', 'failed', 'vanished')),
    error_code TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    -- of a partial photo: rows of the stored file that are real
    valid_rows INTEGER,
    tiles INTEGER NOT NULL DEFAULT 0,
    -- constant or without data
    tiles_skipped INTEGER NOT NULL DEFAULT 0,
    -- in the missing part of a partial photo
    tiles_missing INTEGER NOT NULL DEFAULT 0,
    -- had more candidates than the pack keeps, and were run again as quarters
    tiles_quartered INTEGER NOT NULL DEFAULT 0,
    -- had more all the same: their objects may not be complete
    tiles_truncated INTEGER NOT NULL DEFAULT 0,
    seconds_decode REAL NOT NULL DEFAULT 0,
    seconds_model REAL NOT NULL DEFAULT 0,
    taken_at TEXT NOT NULL DEFAULT '',
    lon REAL,
    lat REAL,
    camera TEXT NOT NULL DEFAULT '',
    UNIQUE (path, bytes, mtime_ns)
) STRICT;

CREATE INDEX photo_status ON photo (status);

CREATE TABLE raw (
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    tile INTEGER NOT NULL,
    class_id INTEGER NOT NULL,
    score REAL NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    cut INTEGER NOT NULL,
    mask TEXT,
    PRIMARY KEY (photo_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE found (
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    class_id INTEGER NOT NULL,
    score REAL NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    mask TEXT,
    review INTEGER NOT NULL DEFAULT 0,
    counted INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (photo_id, number)
) STRICT, WITHOUT ROWID;
