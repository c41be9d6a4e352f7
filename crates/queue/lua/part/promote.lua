-- next_due(scheduled): when the next scheduled job is due, in seconds, or false.
local function next_due(scheduled)
  return redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')[2] or false
end

-- promote(scheduled, retryable, k): moves at most 500 due jobs to the end of where they wait (part/lanes.lua).
-- Bounded, so that any number of jobs due in the same second neither blocks Redis nor overflows `unpack`.
-- Returns when the next one that is left is due, in seconds, or false.
local function promote(scheduled, retryable, k)
  local next = next_due(scheduled)
  if not next or tonumber(next) > now / 1000 then return next end
  local due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', seconds(now), 'LIMIT', 0, 500)
  if #due == 0 then return next end
  -- First where they go, then where they were: should it stop in between, none is lost.
  line_up(k, due)
  redis.call('ZREM', scheduled, unpack(due))
  redis.pcall('SREM', retryable, unpack(due))
  return next_due(scheduled)
end
