-- The breaker of one provider, shared by the whole fleet, in one hash field: "<state> <epoch> <hold> <failures>".
--   state     closed, open, half (half-open: one probe is under way)
--   epoch     goes up with every change of state: verdicts on calls that were claimed before count nothing
--   hold      part/hold.lua. open: until a probe may go out; half: until the probe's own lease is over, so that a dead
--             prober frees it
--   failures  closed: their number in a row, or with a window their times, "<ms>,<ms>,…"

local function read_breaker(breakers, name)
  local text = redis.call('HGET', breakers, name)
  local state, epoch, held, failures = (text or ''):match('^(%a+) (%d+) (%d+ %d+ %d+) (%S*)$')
  return {
    name = name, state = state or 'closed', epoch = tonumber(epoch or 0), hold = held or '0 0 0',
    till = held_until(held) or 0, failures = failures or '',
  }
end

local function write_breaker(breakers, b)
  redis.call('HSET', breakers, b.name, b.state .. ' ' .. b.epoch .. ' ' .. b.hold .. ' ' .. b.failures)
end

-- change(b, state, ms): to this state; open and half for so long.
local function change(b, state, ms)
  b.state, b.hold, b.failures, b.epoch = state, hold(ms), '', b.epoch + 1
end

-- judge(b, verdict, epoch, spec): lets one call's verdict count. verdict: s it went well, f it failed.
-- spec: {failures to open, window in ms or 0, open for ms}. Returns whether anything changed.
local function judge(b, verdict, epoch, spec)
  if epoch ~= b.epoch then return false end
  if b.state == 'half' then
    if verdict == 's' then change(b, 'closed', 0) else change(b, 'open', spec[3]) end
    return true
  end
  if b.state ~= 'closed' then return false end
  local count
  if spec[2] == 0 then
    if verdict == 's' then
      if b.failures == '' then return false end
      b.failures = ''
      return true
    end
    count = tonumber(b.failures == '' and 0 or b.failures) + 1
    b.failures = tostring(count)
  else
    if verdict == 's' then return false end
    local kept = {}
    for at in b.failures:gmatch('%d+') do
      -- One of a time to come was noted before the clock was set back.
      if tonumber(at) <= now and now - at < spec[2] then kept[#kept + 1] = at end
    end
    kept[#kept + 1] = string.format('%.0f', now)
    count = #kept
    b.failures = table.concat(kept, ',')
  end
  if count >= spec[1] then change(b, 'open', spec[3]) end
  return true
end
