-- Forgets completed and cancelled jobs whose time is over, at most 20 batches of each a call.
--
-- KEYS  1 completed  2 completions  3 stats  4 data  5 records  6 cancelled
-- ARGV  1 keep ended jobs for ms  2 and up to bytes of completed ones (0 = no cap)  3 and of cancelled ones
-- Returns when the next batch is due in ms since the epoch (now or earlier: call again), 0 if none is left
local k = { completed = KEYS[1], completions = KEYS[2], stats = KEYS[3], data = KEYS[4], records = KEYS[5], cancelled = KEYS[6] }
local keep = tonumber(ARGV[1])
local next, of_cancelled = prune_completed(k, keep, tonumber(ARGV[2]), 20), prune_cancelled(k, keep, tonumber(ARGV[3]), 20)
if next == 0 or (of_cancelled > 0 and of_cancelled < next) then return of_cancelled end
return next
