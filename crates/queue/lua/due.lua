-- Makes scheduled and retryable jobs due at once, in the order in which they would have been.
--
-- KEYS  1 scheduled  2 idle
-- ARGV  1 how many at the most
-- Returns how many there were
-- Parts: now, write_or_replace, wake
local scheduled, idle = unpack(KEYS)
local later = redis.call('ZRANGEBYSCORE', scheduled, '(' .. seconds(now), '+inf', 'LIMIT', 0, ARGV[1])
for place, id in ipairs(later) do
  redis.call('ZADD', scheduled, seconds(now - #later + place), id)
end
if #later > 0 then wake(idle) end
return #later
