-- Takes what one call says of its provider.
--
-- KEYS  1 gate  2 breakers  3 idle  4 workers  5 reach  6 stats  7 minutes
-- ARGV  1 provider  2 suffix of its fields in the gate  3 its breaker: failures to open (0 = no breaker)
--       4 window in ms (0 = in a row)  5 open for ms  6 version of its credentials  7 what the call says (part/call_report.lua)
--       8 the process that made it  9 the same as part/answers.lua has it ("" = it was no call)
-- Returns 1
local gate, breakers, idle, workers, reach = unpack(KEYS)
local p = {
  name = ARGV[1], suffix = ARGV[2], version = ARGV[6],
  spec = { tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]) },
}
apply_report(p, gate, breakers, ARGV[7], { reach = reach, workers = workers, process = ARGV[8] })
write_reports(p, gate, breakers, idle)
if ARGV[9] ~= '' then
  pcall(count_with_answers, KEYS[6], {}, ARGV[9])
  pcall(count_settled, KEYS[7], KEYS[6], '', {}, ARGV[9])
end
return 1
