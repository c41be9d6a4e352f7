-- Ends a worker's lease. What it still owns is found and settled by the others' next sweep.
--
-- KEYS  1 workers  2 idle  3 worker facts  4 timeline
-- ARGV  1 worker
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], 'w:' .. ARGV[1])
wake(KEYS[2])
return 1
