-- Whatever becomes queued wakes the workers; SQLite's poll instead.
CREATE FUNCTION haversack_job_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('haversack_job', '');
    RETURN NULL;
END $$;
CREATE TRIGGER job_notice_new AFTER INSERT ON job
    FOR EACH STATEMENT EXECUTE FUNCTION haversack_job_notice();
CREATE TRIGGER job_notice_again AFTER UPDATE OF state ON job
    FOR EACH ROW WHEN (NEW.state = 'queued' AND OLD.state <> 'queued')
    EXECUTE FUNCTION haversack_job_notice();
