-- is_looked_for(look): whether a worker has said that it looks for work by itself in a moment (`look` of the timeline), so that
-- nobody need be woken for what comes until then. A worker that is lost in that moment leaves it to the looks of the idle.
local function is_looked_for(look)
  local till = tonumber((type(look) == 'string' and look or ''):match('^(%d+) %d+$'))
  return till ~= nil and till > now and till <= now + 100
end

-- wake(idle): lets one idle worker know that there is work: the one that had most slots free when it said that it is idle
-- (claim.lua). It is taken out, so that the next one is woken for the next work; whoever leaves work behind wakes another.
-- What is in `idle` are the channels that they listen on. One that nobody listens on any more is passed over; if none is
-- told, the work is found by the looks of the idle.
local function wake(idle)
  for _ = 1, 10 do
    local channel = (redis.pcall('ZPOPMAX', idle))[1]
    if not channel then return end
    local listening = redis.pcall('SPUBLISH', channel, 'work')
    if listening ~= 0 then return end
  end
end
