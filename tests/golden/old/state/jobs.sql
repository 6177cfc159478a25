PRAGMA user_version = 0;
PRAGMA application_id = 0;
BEGIN TRANSACTION;
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
INSERT INTO "account_key" VALUES('ba73eda7f9c9a747d0bbf8f6bfc1fcb34b755f38bfad8b70da3e51f224b41c29','camera','','infer',1.79577855404957771297e+09,NULL,NULL);
CREATE TABLE account_session (
    -- sha256 of the id that the browser keeps
    digest TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    address TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    -- a few minutes coarse
    seen DOUBLE PRECISION NOT NULL
);
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
INSERT INTO "account_user" VALUES('ada','scrypt$16384,8,5$Zz/jcorJPEgBG3O9Dl7NJA==$wrv7foDN+ZM9tesCwaeMcvr5LXEPI7sRaIL0DM/eJn0=','infer jobs',1.79577855362789916985e+09,1.79577855362789916985e+09);
INSERT INTO "account_user" VALUES('root','scrypt$16384,8,5$iS0GzM1JsgRr0T0KoI95Gw==$cNRzcA2SjDiqB0g83x8VHmCMaiu3FoNbRCuFjjzL1wI=','admin infer jobs',1.79577855401394224162e+09,1.79577855401394224162e+09);
CREATE TABLE haversack_schema (version INTEGER NOT NULL);
INSERT INTO "haversack_schema" VALUES(1);
INSERT INTO "haversack_schema" VALUES(2);
INSERT INTO "haversack_schema" VALUES(3);
INSERT INTO "haversack_schema" VALUES(4);
INSERT INTO "haversack_schema" VALUES(5);
INSERT INTO "haversack_schema" VALUES(6);
INSERT INTO "haversack_schema" VALUES(7);
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
INSERT INTO "job" VALUES('01a21cbe1d76455950de0ee860b51a2a','predict','few','1','few','839770fa0d5b5df87cfad17ef5577565686d7a02b1e319a1229915c2df82e831.01a21cbe1d76455950de0ee860b51a2a',827,0,'','{}','',NULL,0,'done',1.79577856117616629604e+09,NULL,1,3,'','vm:8436',0,0,'','','',174,0,5.49747943878173828125e-02,1795778551.16286,1.79577855117616629596e+09,1.79577855117616629596e+09,1.79577855123114109043e+09,3,'{"image":"","width":320,"height":240,"pack":"few","version":"1","task":"detect","status":"done","detections":[],"timing":{"decode_seconds":0.051637,"model_seconds":0.001138}}');
INSERT INTO "job" VALUES('01a21cbe1e3be76e2dea1de0c8f5237f','predict','few','','few','665741c8f5f987e38432f44dfd034ca56c6537b0a14e309b61bd3ebf095bd67c.01a21cbe1e3be76e2dea1de0c8f5237f',15,0,'','{}','',NULL,0,'failed',1.79577856138336110118e+09,NULL,1,3,'','vm:8436',0,0,'image-type-unknown','the file begins with "no photo at ", which is none of JPEG, PNG, WebP, TIFF, GIF, BMP and AVIF','Convert it to JPEG or PNG in an image editor and send that.',0,0,1.712322235107421875e-03,1.79577855136443614953e+09,1.79577855138336110111e+09,1.79577855138336110111e+09,1.79577855138507342337e+09,3,NULL);
INSERT INTO "job" VALUES('01a21cbe1ec0cce2455b9577ea873416','survey','few','1','few','',1223,0,'','{"tile":128,"overlap":32}','',NULL,0,'done',1.79577856166927027703e+09,NULL,1,3,'','vm:8436',2,2,'','','',623766,0,7.37751722335815429687e-01,1.79577855165709567072e+09,1.79577855166927027701e+09,1.79577855166927027701e+09,1.79577855240702199935e+09,3,'{"job":"01a21cbe1ec0cce2455b9577ea873416","pack":"few@1","photos":{"done":2},"objects":{"light":21,"dark":14},"seconds":0.052,"problems":[],"files":[{"name":"results.jsonl","bytes":2981},{"name":"photos.json","bytes":272},{"name":"counts.csv","bytes":191},{"name":"transects.csv","bytes":186},{"name":"megadetector.json","bytes":3166},{"name":"coco-dataset.json","bytes":5107},{"name":"report.html","bytes":611447}]}');
INSERT INTO "job" VALUES('01a21cbe25bc2f0ad5bc7b8421b97ad7','predict','few','','few','839770fa0d5b5df87cfad17ef5577565686d7a02b1e319a1229915c2df82e831.01a21cbe25bc2f0ad5bc7b8421b97ad7',827,0,'waits.png','{}','',NULL,0,'queued',1.79577855328337550157e+09,NULL,0,3,'','',0,0,'','','',0,0,0.0,1.79577855328337550157e+09,NULL,NULL,NULL,1,NULL);
CREATE TABLE job_fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO "job_fact" VALUES('blobs','e3a9231834cb53a7d00fe2b5c1f9cc6b');
INSERT INTO "job_fact" VALUES('limits','{"queued":100000,"keep":{"result_seconds":604800.0,"result_bytes":1073741824,"input_seconds":86400.0,"input_bytes":4294967296,"upload_seconds":86400.0,"job_seconds":7776000.0}}');
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
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','photo','east/1.png','839770fa0d5b5df87cfad17ef5577565686d7a02b1e319a1229915c2df82e831.01a21cbe1ec0cce2455b9577ea873416-0b26a0f6',827);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','photo','west/crowded.png','4fd969c02eb395476553fa1334427ef253e53c250163f70d7f303ff2d70853a9.01a21cbe1ec0cce2455b9577ea873416-36d9cd8b',396);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','results.jsonl','acb5bd8d55b29dc2a29ed498383d665db1e348a344ae749dd06db562cf5c9349.01a21cbe1ec0cce2455b9577ea873416',2981);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','photos.json','e9e3b41b7a89f0b0cc7526564189ca246068807c7ce0ccd5054b39af29bb1144.01a21cbe1ec0cce2455b9577ea873416',272);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','counts.csv','6359bea18dfa030e3239584e94f7f9fd6dfdab43bb63c0a9b70dea3665278174.01a21cbe1ec0cce2455b9577ea873416',191);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','transects.csv','a3a7852a1618846578740f5fc30ee3492de598f3b435933446e80880406e2759.01a21cbe1ec0cce2455b9577ea873416',186);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','megadetector.json','2fee1133a45e461725dce83dc2e7698ec098f0ef876e2e6fa7b9c6f868ef4f90.01a21cbe1ec0cce2455b9577ea873416',3166);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','coco-dataset.json','222d86333bcabc79fcb3c42e92f8787a3eff181538068cb60e1b5ddd2cc09362.01a21cbe1ec0cce2455b9577ea873416',5107);
INSERT INTO "job_file" VALUES('01a21cbe1ec0cce2455b9577ea873416','result','report.html','f63e7820bc0433e58c0afe44cbcd2c95a85c6e9b03b07ba8bd233a68a9f8a4cf.01a21cbe1ec0cce2455b9577ea873416',611447);
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
CREATE TABLE pack_copy (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    -- of its pack.toml, which names everything in it
    digest TEXT NOT NULL,
    blob TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    -- when the last photo came
    touched DOUBLE PRECISION NOT NULL
);
CREATE UNIQUE INDEX job_key ON job (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_waiting ON job (priority DESC, due, id) WHERE state = 'queued';
CREATE INDEX job_running ON job (due) WHERE state = 'running';
CREATE INDEX job_listed ON job (created DESC, id DESC);
CREATE INDEX job_cost ON job (pack, finished DESC) WHERE state = 'done';
CREATE INDEX job_input ON job (finished) WHERE input_removed = 0;
CREATE INDEX job_result ON job (finished) WHERE state = 'done' AND result_removed = 0;
CREATE INDEX job_input_name ON job (input);
CREATE INDEX account_session_user ON account_session (user_name);
CREATE INDEX account_session_seen ON account_session (seen);
CREATE UNIQUE INDEX account_key_name ON account_key (name) WHERE revoked IS NULL;
CREATE INDEX upload_touched ON upload (touched);
CREATE INDEX job_file_blob ON job_file (blob);
CREATE INDEX pack_copy_blob ON pack_copy (blob);
CREATE INDEX job_gone ON job (finished) WHERE input_removed = 1;
CREATE INDEX job_webhook_due ON job_webhook (due);
COMMIT;
