-- is_looked_for(look): whether a worker has said that it looks for work by itself in a moment (`look` of the timeline), so that
-- nobody need be woken for what comes until then. A worker that is lost in that moment leaves it to the looks of the idle.
local function is_looked_for(look)
  local till = tonumber((type(look) == 'string' and look or ''):match('^(%d+) %d+$'))
  return till ~= nil and till > now and till <= now + 100
end

-- wake(idle): lets one idle worker know that there is work: the one that had most slots free when it said that it is idle
-- (claim.lua). It is taken out, so that the next one is woken for the next work; whoever leaves work behind wakes another.
-- What is in `idle` are the channels that they listen on. One that nobody listens on any more is passed over; if none is
-- told, the work is found by the looks of the idle. high: there is a job of high priority; only for one is a worker woken that
-- has but the slot free that it keeps for such (less than 1).
local function wake(idle, high)
  for _ = 1, 10 do
    local found = redis.pcall('ZPOPMAX', idle)
    local channel = found[1]
    if not channel then return end
    if not high and tonumber(found[2]) < 1 then
      redis.pcall('ZADD', idle, found[2], channel)
      return
    end
    local listening = redis.pcall('SPUBLISH', channel, 'work')
    if listening ~= 0 then return end
  end
end
