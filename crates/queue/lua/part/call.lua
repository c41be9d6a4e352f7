-- Whether a provider may be called now. p describes it: {name, suffix of its fields in the gate ("" for the queue's own
-- provider, else ":<name>"), lease: how long a probe may take in ms (0 = no breaker), version of its credentials}.

-- gate_of(gate, suffix): {an operator's pause, hold of a time the provider named, our credentials are refused, which, hold
-- until the next probe, an operator's limit}
local function gate_of(gate, suffix)
  return redis.call('HMGET', gate, 'paused', 'held' .. suffix, 'refused' .. suffix, 'refused_version' .. suffix, 'refused_until' .. suffix, 'limit' .. suffix)
end

-- held_back(p, held, breakers): what holds calls back and until when, or nil; notes in p what the call has to know: breaker,
-- epoch, probe.
local function held_back(p, held, breakers)
  p.epoch, p.probe = 0, false
  local till = held_until(held[2])
  if till then return 'held', till end
  -- One probe a minute while the provider refuses our credentials, or at once with new ones.
  p.refused = held[3] and true or false
  if p.refused then
    till = held_until(held[5])
    if held[4] == p.version and till then return 'refused', till end
    p.probe = true
  end
  if p.lease > 0 then
    p.breaker = read_breaker(breakers, p.name)
    p.epoch = p.breaker.epoch
    if p.breaker.state ~= 'closed' then
      if p.breaker.till > now then return 'open', p.breaker.till end
      p.probe = true
    end
  end
end

-- probe(p, gate, breakers, wait): notes that a probe goes out after so many ms, so that no other does.
local function probe(p, gate, breakers, wait)
  if p.refused then
    redis.call('HSET', gate, 'refused_until' .. p.suffix, hold(wait + 60000), 'refused_version' .. p.suffix, p.version)
  end
  if p.breaker and p.breaker.state ~= 'closed' then
    change(p.breaker, 'half', wait + p.lease)
    p.epoch = p.breaker.epoch
    write_breaker(breakers, p.breaker)
  end
end
