-- The limiter of one provider, exact for the whole fleet: a schedule of when the next call may go out. It runs at most
-- `burst` calls ahead, so that no second sees more than its rate and a few, and it lives in one hash field:
-- "<last> <interval> <made>": when the call that was given out last goes out, how far calls were apart then, and when that
-- was written, in ms since the epoch and ms. What comes next is told by the interval of whoever asks, so that a rate that was
-- mended holds at once.

-- How far ahead places are given out to runs, in ms, and a little (LONGEST_AHEAD in provider.rs).
local FARTHEST = 31000

-- last_call(text): when the last call goes out, and how far they were apart; nil when that is void: the clock was set back
-- since, or it is farther ahead than anybody may have booked.
local function last_call(text)
  local last, interval, made = (text or ''):match('^(%-?[%d.]+) ([%d.]+) (%d+)$')
  last, interval, made = tonumber(last), tonumber(interval), tonumber(made)
  if last and interval and made <= now and last <= made + FARTHEST then return last, interval end
end

-- next_call(text): when the next call may go out by the rate that was in force, or nil.
local function next_call(text)
  local last, interval = last_call(text)
  return last and last + interval
end

-- tokens(limits, name, interval, burst): how many calls may go out now, and when the next may if none.
local function tokens(limits, name, interval, burst)
  local text = redis.call('HGET', limits, name)
  local last = last_call(text)
  local from = now - (burst - 1) * interval
  -- Of one that is void it is not known what has gone out: one call is safe.
  local ahead = last and math.max(last + interval, from) or text and now or from
  local free = math.floor((now - ahead) / interval) + 1
  if free > 0 then return free, 0, ahead end
  return 0, math.ceil(ahead), ahead
end

-- slowed(interval, burst, limit): how far calls are apart, and how many it may run ahead, where an operator has limited them for
-- a time: the slower of both holds. limit: that field of the gate, "<hold> <ms between calls>".
local function slowed(interval, burst, limit)
  local held, apart = (limit or ''):match('^(%d+ %d+ %d+) ([%d.]+)$')
  apart = tonumber(apart or nil)
  if not apart or apart <= interval or apart > 604800000 or not held_until(held) then return interval, burst end
  return apart, math.max(1, math.floor(50 / apart))
end

-- take(limits, name, interval, ahead, n): gives out n calls. They are never given back.
local function take(limits, name, interval, ahead, n)
  redis.call('HSET', limits, name, string.format('%.3f %.3f %s', ahead + (n - 1) * interval, interval, stamp))
end
