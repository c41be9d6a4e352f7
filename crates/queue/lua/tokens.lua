-- Gives out one call to a provider, for jobs that make many, or that wait in another queue.
--
-- KEYS  1 limits
-- ARGV  1 limiter  2 ms between calls  3 calls it may run ahead
-- Returns 0 when the call may go out, else how many ms to wait before asking again
local interval = tonumber(ARGV[2])
local free, till, ahead = tokens(KEYS[1], ARGV[1], interval, tonumber(ARGV[3]))
if free == 0 then return math.max(1, till - now) end
take(KEYS[1], ARGV[1], interval, ahead, 1)
return 0
