-- is_looked_for(look): whether a worker has said that it looks for work by itself in a moment (`look` of the timeline), so that
-- nobody need be woken for what comes until then. A worker that is lost in that moment leaves it to the looks of the idle.
local function is_looked_for(look)
  local till = tonumber((type(look) == 'string' and look or ''):match('^(%d+) %d+$'))
  return till ~= nil and till > now and till <= now + 100
end

-- wake(signal): lets one idle process know that there is work. One token is enough: whoever takes it and leaves
-- work behind puts it back (claim.lua).
local function wake(signal)
  local signals = redis.pcall('LLEN', signal)
  if type(signals) ~= 'number' or signals == 0 then write_or_replace('RPUSH', signal, 1) end
end
