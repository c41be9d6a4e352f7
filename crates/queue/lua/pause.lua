-- Holds the queue back or lets it go on, for the whole fleet at once.
--
-- KEYS  1 gate  2 idle  3 audit  4 breakers  5 limits  6 timeline
-- ARGV  1 "pause"; "resume": ends an operator's pause; or "lift": ends all that the fleet itself holds back (part/holds.lua).
--       A breaker is not closed by that: one probe may go at once  2 by whom  3 why  4 the queue's name
-- Returns {1 if that changed anything, cause, provider, until, … of each hold that was lifted}
-- Parts: now, wake, record, audit, hold, breaker, limiter, holds
local gate, idle, log, breakers, limits, timeline = unpack(KEYS)
may_audit(log)
local changed, lifted, causes = 0, {}, {}
if ARGV[1] == 'pause' then
  local pause = cjson.encode({ by = ARGV[2], reason = ARGV[3], since = now })
  changed = redis.call('HSETNX', gate, 'paused', pause)
elseif ARGV[1] == 'resume' then
  changed = redis.call('HDEL', gate, 'paused')
else
  for _, held in ipairs(holds(gate, breakers, limits, timeline)) do
    local cause, provider, till, key, field = unpack(held)
    if cause == 'breaker' then
      local b = read_breaker(breakers, field)
      change(b, 'open', 0)
      write_breaker(breakers, b)
    else
      redis.call('HDEL', key, field)
    end
    if cause == 'credentials' then
      local s = field:sub(8)
      redis.call('HDEL', gate, 'refused_until' .. s, 'refused_version' .. s)
    end
    changed = 1
    for _, part in ipairs({ cause, provider, string.format('%.0f', till) }) do lifted[#lifted + 1] = part end
    causes[#causes + 1] = provider == '' and cause or cause .. ' of ' .. provider
  end
end
if changed == 1 then
  if ARGV[1] ~= 'pause' then wake(idle) end
  audit(log, {
    by = ARGV[2], action = ARGV[1], target = ARGV[4], reason = ARGV[3], result = table.concat(causes, ', '),
  })
end
return { changed, unpack(lifted) }
