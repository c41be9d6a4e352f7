-- renew(record): gives a job its time again: it is due now, and expires as long after that as it did after it was first due.
-- One without an expiry of its own has that of its kind, which counts from `due`.
local function renew(record)
  local times = redis.pcall('HMGET', record, 'due', 'at', 'exp')
  if times.err then return end
  local due, expires = tonumber(times[1] or times[2] or nil), tonumber(times[3] or nil)
  if expires and due and expires > due then
    redis.call('HSET', record, 'exp', string.format('%.0f', now + expires - due))
  elseif expires then
    -- How long it had is not known: its kind says.
    redis.call('HDEL', record, 'exp')
  end
  redis.call('HSET', record, 'due', stamp)
end

-- revive(keys, ids, signed, operation): dead letters, at most 1000, back to pending: attempts reset, history kept, with a
-- line that says who replayed them. keys: {dead, groups, meta (prefix), active, stats, signal}. signed: {by =, reason =,
-- operation = its id, or nil, fresh = whether each gets its time again}. With an operation, each is marked in its record
-- with "<operation> <group it died in>", so that its first run reports there.
local function revive(keys, ids, signed, operation)
  if #ids == 0 then return end
  -- Asked before any is taken out: none must be without its place.
  redis.call('LLEN', keys.active)
  local meta = keys.meta
  local of = bring_out(keys.dead, keys.groups, meta, ids)
  local line = cjson.encode({
    worker = signed.by, outcome = 'replayed', operation = signed.operation,
    reason = signed.reason ~= '' and signed.reason or nil,
  }):sub(2)
  for n, id in ipairs(ids) do
    local record = meta .. ':' .. id
    -- Run state: attempts used, times lost, key generation, may have been sent, entries in the history.
    local used, gen, sent, entries = (field(record, 'run') or ''):match('^(%d+) %d+ (%d+) (%d+) (%d+)$')
    local entry = (entries or 0) + 1
    -- A record of another type is not ours: then it has none.
    redis.pcall('HDEL', record, 'end', 'op', 'parked', 'h' .. (entry - 10))
    local fields = {
      'run', '0 0 ' .. (gen or 0) .. ' ' .. (sent or 0) .. ' ' .. entry,
      'h' .. entry, stamp .. ' {"attempt":' .. (used or 0) .. ',' .. line,
    }
    if signed.fresh then renew(record) end
    if operation then
      fields[5] = 'op'
      fields[6] = operation .. ' ' .. of[n]
    end
    redis.pcall('HSET', record, unpack(fields))
  end
  redis.call('RPUSH', keys.active, unpack(ids))
  count(keys.stats, 'replayed', #ids)
  wake(keys.signal)
end
