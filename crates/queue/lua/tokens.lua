-- Takes the next place in a limiter's schedule, for jobs that make many calls, or that wait in another queue. It may be
-- a place to come: then claims find no call free until it has gone by.
--
-- KEYS  1 limits
-- ARGV  1 limiter  2 ms between calls  3 calls it may run ahead  4 how long a place may be to come, in ms
-- Returns in how many ms the call may go out, or -1 when that would be too long: then no place was taken
local interval = tonumber(ARGV[2])
local free, till, ahead = tokens(KEYS[1], ARGV[1], interval, tonumber(ARGV[3]))
local wait = free > 0 and 0 or math.max(1, till - now)
if wait > tonumber(ARGV[4]) then return -1 end
take(KEYS[1], ARGV[1], interval, ahead, 1)
return wait
