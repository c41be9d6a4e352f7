-- holds(gate, breakers, limits, timeline): all that holds calls of the queue's providers back now. Each: {cause, provider ("" = the
-- queue's own), until in ms or 0 = until a probe, key, field}.
local function holds(gate, breakers, limits, timeline)
  local found = {}
  for cause, field in pairs({ redis_forgot = 'hold', redis_restarted = 'check' }) do
    local till = held_until(redis.call('HGET', timeline, field) or '')
    if till then found[#found + 1] = { cause, '', till, timeline, field } end
  end
  local all = fields(gate)
  local of = {}
  for i = 1, #all, 2 do of[all[i]] = all[i + 1] end
  for name, value in pairs(of) do
    local what, provider = name:match('^(%a+):?(.*)$')
    local limited = what == 'limit' and held_until(value:match('^(%d+ %d+ %d+) '))
    if limited then found[#found + 1] = { 'limit', provider, limited, gate, name } end
    local till = what == 'held' and held_until(value)
    if till then found[#found + 1] = { 'retry_after', provider, till, gate, name } end
    if what == 'refused' and (name == what or name:sub(8, 8) == ':') then
      local next_probe = held_until(of['refused_until' .. name:sub(8)])
      found[#found + 1] = { 'credentials', provider, next_probe or 0, gate, name }
    end
  end
  all = fields(breakers)
  for i = 1, #all, 2 do
    local b = read_breaker(breakers, all[i])
    if b.state ~= 'closed' and b.till > now then
      found[#found + 1] = { 'breaker', b.name, b.till, breakers, b.name }
    end
  end
  all = fields(limits)
  for i = 1, #all, 2 do
    -- As far ahead as calls are apart at a usual rate is no hold.
    local till = next_call(all[i + 1])
    if till and till > now + 1000 then
      found[#found + 1] = { 'limiter', all[i]:match('^[^:]*'), math.ceil(till), limits, all[i] }
    end
  end
  table.sort(found, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[5] < b[5]
  end)
  return found
end
