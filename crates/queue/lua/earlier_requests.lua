-- What a job's record says of its earlier runs, and when it was enqueued.
--
-- KEYS  1 data  2 records
-- ARGV  1 id
-- Returns {now, when it was enqueued in ms since the epoch or false, record, packed, or false}
-- Parts: now, record, header
local before = header(redis.call('HGET', KEYS[1], ARGV[1]))
return { now, before and string.format('%.0f', before.at) or false, redis.call('HGET', KEYS[2], ARGV[1]) }
