-- Keeps something for so long: what later runs, or other jobs of the queue, are to know.
--
-- KEYS  1 kept (of its key)
-- ARGV  1 value  2 how long it is kept, in ms  3 "first": unless something is kept there; or ""
-- Returns what was kept there before, where "first" was said; else false
local there = ARGV[3] == 'first' and redis.call('GET', KEYS[1])
if not there then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return there
