-- The limiter of one provider, exact for the whole fleet: a schedule of when the next call may go out. It runs at most
-- `burst` calls ahead, so that no second sees more than its rate and a few, and it lives in one hash field: the time, in
-- ms since the epoch, up to which calls have been given out.

-- tokens(limits, name, interval, burst): how many calls may go out now, and when the next may if none.
local function tokens(limits, name, interval, burst)
  local ahead = tonumber(redis.call('HGET', limits, name) or 0)
  local from = now - (burst - 1) * interval
  if ahead < from then ahead = from end
  -- A clock that was set back must not stop everything for as long as that.
  if ahead > now + 3600000 then ahead = now end
  local free = math.floor((now - ahead) / interval) + 1
  if free > 0 then return free, 0, ahead end
  return 0, math.ceil(ahead), ahead
end

-- take(limits, name, interval, ahead, n): gives out n calls. They are never given back.
local function take(limits, name, interval, ahead, n)
  redis.call('HSET', limits, name, string.format('%.3f', ahead + n * interval))
end
