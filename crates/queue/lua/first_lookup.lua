-- When it was first asked of a job when its requests went out, of whose runs nothing is written down: a Redis that forgot them.
--
-- KEYS  1 records
-- ARGV  1 id  2 now, in ms since the epoch, as the caller was told
-- Returns when that was, in ms since the epoch: now, where nobody had asked
-- Parts: record
local record = record_of(KEYS[1], ARGV[1])
if not tonumber(record.asked) then
  record.asked = ARGV[2]
  write_record(KEYS[1], ARGV[1], record)
end
return record.asked
