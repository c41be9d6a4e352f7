-- promote(scheduled, retryable, active): moves at most 500 due jobs to the end of the waiting list.
-- Bounded, so that any number of jobs due in the same second neither blocks Redis nor overflows `unpack`.
local function promote(scheduled, retryable, active)
  local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', seconds(now), 'LIMIT', 0, 500)
  if #due > 0 then
    redis.call('ZREM', scheduled, unpack(due))
    redis.call('SREM', retryable, unpack(due))
    redis.call('RPUSH', active, unpack(due))
  end
  return #due
end
