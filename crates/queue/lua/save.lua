-- Keeps how far a long job has come, while it runs. Whoever has lost it keeps nothing, and a job that comes on is not
-- what kills its workers: the count of its losses begins anew.
--
-- KEYS  1 records  2 inflight  3 data
-- ARGV  1 job  2 claim token  3 checkpoint
-- Returns 1, or 0 when the token no longer owns the job
-- Parts: now, record, header
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
local record = record_of(KEYS[1], ARGV[1])
record.chk = ARGV[3]
local used, _, generation, sent, entries = run_of(record)
set_run(record, used, 0, generation, sent, entries)
write_record(KEYS[1], ARGV[1], record)
local value = marked(redis.call('HGET', KEYS[3], ARGV[1]))
if value then redis.call('HSET', KEYS[3], ARGV[1], value) end
return 1
