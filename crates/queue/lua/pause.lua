-- Holds the queue back or lets it go on, for the whole fleet at once.
--
-- KEYS  1 gate  2 idle  3 audit  4 breakers  5 limits  6 timeline
-- ARGV  1 "pause"; "resume": ends an operator's pause; or "lift": ends all that the fleet itself holds back (part/holds.lua).
--       A breaker is not closed by that: one probe may go at once; "limit": calls go no faster than that for a time;
--       "unlimit": ends that  2 by whom  3 why  4 the queue's name; for "limit"  5 for how long in ms  6 ms between calls
-- Returns {1 if that changed anything, cause, provider, until, … of each hold that was lifted}
-- Parts: now, wake, record, audit, hold, breaker, limiter, holds
local gate, idle, log, breakers, limits, timeline = unpack(KEYS)
may_audit(log)
local changed, lifted, causes = 0, {}, {}

-- Ends an operator's limit. How far it held calls apart says nothing of when the next may go.
local function unlimit(field)
  redis.call('HDEL', gate, field)
  local all = fields(limits)
  for i = 1, #all, 2 do
    local last, made = all[i + 1]:match('^(%-?[%d.]+) [%d.]+ (%d+)$')
    if last then redis.call('HSET', limits, all[i], last .. ' 0.000 ' .. made) end
  end
end
if ARGV[1] == 'pause' then
  local pause = cjson.encode({ by = ARGV[2], reason = ARGV[3], since = now })
  changed = redis.call('HSETNX', gate, 'paused', pause)
elseif ARGV[1] == 'limit' then
  redis.call('HSET', gate, 'limit', hold(tonumber(ARGV[5])) .. ' ' .. ARGV[6])
  changed = 1
  causes[1] = string.format('%.6g', 1000 / ARGV[6]) .. '/s until ' .. string.format('%.0f', now + ARGV[5])
elseif ARGV[1] == 'unlimit' then
  local limit = redis.call('HGET', gate, 'limit')
  unlimit('limit')
  -- One that is over is none.
  changed = limit and held_until(limit:match('^(%d+ %d+ %d+) ')) and 1 or 0
elseif ARGV[1] == 'resume' then
  changed = redis.call('HDEL', gate, 'paused')
else
  for _, held in ipairs(holds(gate, breakers, limits, timeline)) do
    local cause, provider, till, key, field = unpack(held)
    if cause == 'breaker' then
      local b = read_breaker(breakers, field)
      change(b, 'open', 0)
      write_breaker(breakers, b)
    elseif cause == 'limit' then
      unlimit(field)
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
  if ARGV[1] ~= 'pause' and ARGV[1] ~= 'limit' then wake(idle) end
  audit(log, {
    by = ARGV[2], action = ARGV[1], target = ARGV[4], reason = ARGV[3], result = table.concat(causes, ', '),
  })
end
return { changed, unpack(lifted) }
