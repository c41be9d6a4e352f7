-- revive(keys, ids, signed, operation): dead letters, at most 1000, back to pending: attempts reset, history kept, with a
-- line that says who replayed them. keys: {dead, groups, meta (prefix), active, stats, signal}. signed: {by =, reason =,
-- operation = its id, or nil}. With an operation, each is marked in its record with "<operation> <group it died in>", so
-- that its first run reports there.
local function revive(keys, ids, signed, operation)
  if #ids == 0 then return end
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
    redis.pcall('HDEL', record, 'end', 'op', 'h' .. (entry - 10))
    local fields = {
      'run', '0 0 ' .. (gen or 0) .. ' ' .. (sent or 0) .. ' ' .. entry,
      'h' .. entry, stamp .. ' {"attempt":' .. (used or 0) .. ',' .. line,
    }
    if operation then
      fields[5] = 'op'
      fields[6] = operation .. ' ' .. of[n]
    end
    redis.pcall('HSET', record, unpack(fields))
  end
  redis.call('RPUSH', keys.active, unpack(ids))
  redis.call('HINCRBY', keys.stats, 'replayed', #ids)
  wake(keys.signal)
end
