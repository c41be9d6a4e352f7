-- Notes which job a message was sent for, so that updates of its delivery find the job.
--
-- KEYS  1 deliveries  2 delivery ages  3 record (of the job)
-- ARGV  1 message  2 job  3 how long it is kept, in ms  4 how many bytes all of them may take
-- Returns 1, or 0 when the message belongs to another job: then nothing is noted
-- Parts: now, deliveries
local records, ages, job = unpack(KEYS)
sound_deliveries(records, ages)
local record = delivery(records, ARGV[1]) or { job = ARGV[2] }
if record.job ~= ARGV[2] then return 0 end
note_delivery(records, ages, ARGV[1], record, tonumber(ARGV[3]), tonumber(ARGV[4]))
-- A job that is gone leaves no record behind.
if redis.call('EXISTS', job) == 1 then redis.pcall('HSET', job, 'msg', ARGV[1]) end
return 1
