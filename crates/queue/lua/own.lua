-- Notes which job a message was sent for, so that news of its delivery finds the job.
--
-- KEYS  1 delivery (of the message)  2 record (of the job)
-- ARGV  1 message  2 job  3 how long it is kept, in ms
-- Returns 1, or 0 when the message belongs to another job: then nothing is noted
local owner = redis.call('HGET', KEYS[1], 'job')
if owner and owner ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'job', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
-- A job that is gone leaves no record behind.
if redis.call('EXISTS', KEYS[2]) == 1 then redis.pcall('HSET', KEYS[2], 'msg', ARGV[1]) end
return 1
