-- Photos that are sent one by one, until a job takes them all; the job then has the upload's id.
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    -- when the last photo came
    touched DOUBLE PRECISION NOT NULL
);
CREATE INDEX upload_touched ON upload (touched);

-- A blob of a job that has many: photos go in, exports come out.
CREATE TABLE job_file (
    -- of a job, or of an upload that is none yet
    job TEXT NOT NULL,
    -- 'photo' or 'result'
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    blob TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (job, role, name)
);
CREATE INDEX job_file_blob ON job_file (blob);
