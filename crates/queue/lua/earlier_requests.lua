-- What a job's record says of its earlier runs.
--
-- KEYS  1 record (of the job)
-- Returns {now, record as {field, value, …}}
return { now, fields(KEYS[1]) }
