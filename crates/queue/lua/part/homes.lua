-- Where jobs are, and how one that waits is taken out of there. k describes it: {active, scheduled, retryable, parked, parked_kinds,
-- kinds, sought, inflight, data, records, dead, completions, timeline, lanes}.

-- homes(k, ids): of each of these, at most 250: {home, record, the same packed, or false, what says that it is there, or false}. home: running, dead, completed, cancelled, scheduled, retryable, parked,
-- pending, or unknown. only_look: nothing is done to them, so a key of another type hides no more than what would stand there; without
-- it, it is an error.
local function homes(k, ids, only_look)
  local function ask(...)
    if only_look then return tried(...) or {} end
    return redis.call(...)
  end
  local owners = ask('HMGET', k.inflight, unpack(ids))
  local died = ask('ZMSCORE', k.dead, unpack(ids))
  local due = ask('ZMSCORE', k.scheduled, unpack(ids))
  local completed = tried('HMGET', k.completions, unpack(ids)) or {}
  local parked = tried('ZMSCORE', k.parked, unpack(ids)) or {}
  local known = ask('HMGET', k.records, unpack(ids))
  local found = {}
  for n, id in ipairs(ids) do
    local packed = known[n] or false
    local record, home, says = unpacked(packed), nil, false
    if owners[n] then
      home, says = 'running', owners[n]
    elseif died[n] then
      home, says = 'dead', died[n]
    elseif due[n] then
      home = tried('SISMEMBER', k.retryable, id) == 1 and 'retryable' or 'scheduled'
      says = due[n]
    elseif completed[n] then
      home, says = 'completed', completed[n]
    elseif cancelled_at(record) then
      home = 'cancelled'
    elseif parked[n] then
      home, says = 'parked', parked[n]
    elseif redis.call('HEXISTS', k.data, id) == 1 or packed then
      home = 'pending'
    else
      home = 'unknown'
    end
    found[n] = { home, record, packed, says }
  end
  return found
end

-- take_out(k, id, home, record): takes a job that waits out of where it waits. Which lane it has stays known (part/lanes.lua). An
-- entry in the waiting list stays: claims pass it over (part/elsewhere.lua).
local function take_out(k, id, home, record)
  if home == 'scheduled' or home == 'retryable' then
    redis.call('ZREM', k.scheduled, id)
    redis.pcall('SREM', k.retryable, id)
  elseif home == 'parked' then
    unpark({ parked = k.parked, of_kinds = k.parked_kinds, kinds = k.kinds, sought = k.sought }, (record.parked or ''):match(' (%x+)$') or '', nil, { id })
    record.parked = nil
  elseif redis.pcall('ZREM', k.lanes, id) ~= 1 then
    redis.call('HINCRBY', k.timeline, 'left', 1)
  end
end
