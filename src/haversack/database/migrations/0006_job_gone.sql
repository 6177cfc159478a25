-- Ended jobs of which nothing but the row is left, by age: whoever removes them need not read all.
CREATE INDEX job_gone ON job (finished) WHERE input_removed = 1;
