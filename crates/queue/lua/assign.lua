-- Lets a key of a map stand for a value, unless it stands for one already.
--
-- KEYS  1 map
-- ARGV  1 key  2 value
-- Returns what it stands for
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
