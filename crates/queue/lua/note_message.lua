-- Notes which job a message was sent for, so that updates of its delivery find the job.
--
-- KEYS  1 deliveries  2 delivery ages  3 data  4 records
-- ARGV  1 message  2 job  3 how long it is kept, in ms  4 how many bytes all of them may take
-- Returns 1, or 0 when the message belongs to another job: then nothing is noted
-- Parts: now, record, deliveries
local messages, ages, data, records = unpack(KEYS)
sound_deliveries(messages, ages)
local record = delivery(messages, ARGV[1]) or { job = ARGV[2] }
if record.job ~= ARGV[2] then return 0 end
note_delivery(messages, ages, ARGV[1], record, tonumber(ARGV[3]), tonumber(ARGV[4]))
-- A job that is gone leaves no record behind.
if redis.call('HEXISTS', data, ARGV[2]) == 1 then
  local job = record_of(records, ARGV[2])
  job.msg = ARGV[1]
  write_record(records, ARGV[2], job)
end
return 1
