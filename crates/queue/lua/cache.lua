-- Keeps an answer that can be asked for again. There are so many at the most: the oldest are forgotten first.
--
-- KEYS  1 kept (of the answer's key)  2 cached
-- ARGV  1 key  2 value  3 how long it is kept, in ms  4 how many there may be
-- Returns {key, …} of those, at most 100, that are beyond that: they are not counted any more, and the caller is to remove them. If it
--         does not come to that, they go when their time is over
-- Parts: now
local kept, cached = unpack(KEYS)
redis.call('SET', kept, ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', cached, now, ARGV[1])
local over, oldest = redis.call('ZCARD', cached) - ARGV[4], {}
if over > 0 then
  oldest = redis.call('ZRANGE', cached, 0, math.min(over, 100) - 1)
  redis.call('ZREM', cached, unpack(oldest))
end
-- Where nothing is added any more, it goes once all of them have gone.
if redis.call('PTTL', cached) < tonumber(ARGV[3]) then redis.call('PEXPIRE', cached, ARGV[3]) end
return oldest
