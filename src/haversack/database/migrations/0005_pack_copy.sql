-- Packs that a server has put beside the photos of its jobs, for workers on other machines.
CREATE TABLE pack_copy (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    -- of its pack.toml, which names everything in it
    digest TEXT NOT NULL,
    blob TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE INDEX pack_copy_blob ON pack_copy (blob);
