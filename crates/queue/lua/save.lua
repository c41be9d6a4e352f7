-- Keeps how far a long job has come, while it runs. Whoever has lost it keeps nothing, and a job that comes on is not
-- what kills its workers: the count of its losses begins anew.
--
-- KEYS  1 record (of the job)  2 inflight
-- ARGV  1 job  2 claim token  3 checkpoint
-- Returns 1, or 0 when the token no longer owns the job
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
local run = field(KEYS[1], 'run')
redis.call('HSET', KEYS[1], 'chk', ARGV[3])
if run then redis.call('HSET', KEYS[1], 'run', (run:gsub('^(%d+) %d+ ', '%1 0 '))) end
return 1
