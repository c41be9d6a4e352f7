-- revive(keys, ids, operation): dead letters, at most 1000, back to pending: attempts reset, history kept.
-- keys: {dead, groups, meta (prefix), active, stats, signal}. With an operation, each is marked in its record with
-- "<operation> <group it died in>", so that its first run reports there.
local function revive(keys, ids, operation)
  if #ids == 0 then return end
  local meta = keys.meta
  local of = bring_out(keys.dead, keys.groups, meta, ids)
  for n, id in ipairs(ids) do
    local record = meta .. ':' .. id
    -- Run state: attempts used, times lost, key generation, may have been sent, entries in the history.
    local gen, sent, entries = (field(record, 'run') or ''):match('^%d+ %d+ (%d+) (%d+) (%d+)$')
    local run = '0 0 ' .. (gen or 0) .. ' ' .. (sent or 0) .. ' ' .. (entries or 0)
    -- A record of another type is not ours: then it has none.
    redis.pcall('HDEL', record, 'end', 'op')
    if operation then
      redis.pcall('HSET', record, 'run', run, 'op', operation .. ' ' .. of[n])
    else
      redis.pcall('HSET', record, 'run', run)
    end
  end
  redis.call('RPUSH', keys.active, unpack(ids))
  redis.call('HINCRBY', keys.stats, 'replayed', #ids)
  wake(keys.signal)
end
