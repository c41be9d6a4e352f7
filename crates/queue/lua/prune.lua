-- Forgets completed jobs whose time is over, at most 20 batches a call.
--
-- KEYS  1 completed  2 completions  3 stats  4 data  5 records
-- ARGV  1 keep completed jobs for ms  2 and up to bytes (0 = no cap)
-- Returns when the next batch is due in ms since the epoch (now or earlier: call again), 0 if none is left
return prune(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], tonumber(ARGV[1]), tonumber(ARGV[2]), 20)
