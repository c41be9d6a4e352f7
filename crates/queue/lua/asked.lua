-- Which of these jobs are asked to stop (part/stop.lua).
--
-- KEYS  1 records
-- ARGV  the ids, at most 250
-- Returns for each what its record says of that, or false
-- Parts: record
local asked = {}
for n, record in ipairs(records_of(KEYS[1], ARGV)) do asked[n] = record.stop or false end
return asked
