-- Takes the next place in a limiter's schedule, for jobs that make many calls, or that wait in another queue. It may be
-- a place to come: then claims find no call free until it has gone by.
--
-- KEYS  1 limits  2 gate
-- ARGV  1 limiter  2 ms between calls  3 calls it may run ahead  4 how long a place may be to come, in ms
--       5 suffix of the provider's fields in the gate
-- Returns in how many ms the call may go out, or -1 when that would be too long: then no place was taken
local interval, burst = slowed(tonumber(ARGV[2]), tonumber(ARGV[3]), redis.call('HGET', KEYS[2], 'limit' .. ARGV[5]))
local free, till, ahead = tokens(KEYS[1], ARGV[1], interval, burst)
local wait = free > 0 and 0 or math.max(1, till - now)
if wait > tonumber(ARGV[4]) then return -1 end
take(KEYS[1], ARGV[1], interval, ahead, 1)
return wait
