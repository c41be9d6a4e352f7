-- not_forgotten(ids, known): those of these jobs, with their records, of which something is left to be carried out.
local function not_forgotten(ids, known)
  local left, records = {}, {}
  for n, id in ipairs(ids) do
    if not known[n].forgotten then
      left[#left + 1] = id
      records[#records + 1] = known[n]
    end
  end
  return left, records
end

-- revive(keys, ids, signed): dead letters, at most 1000, back to pending: attempts reset, history kept, with a
-- line that says who replayed them. keys: {dead, groups, letters, records, data, active, stats, idle, lanes, lane, tenants, turns}.
-- signed: {by =, reason =, operation = its id, or nil, fresh = whether each gets its time again, in_order = as part/bring_out.lua has it,
-- watched = whether first runs report to the operation}.
-- Those that were forgotten (part/forget.lua) stay dead. Returns the ids of the others.
-- With an operation, each is marked in its record with "<operation> <group it died in>", so that its first run reports there, and how it
-- ends; or with "<operation> !", so that only the latter does.
local function revive(keys, ids, signed)
  if #ids == 0 then return ids end
  -- Asked before any is taken out: none must be without its place.
  redis.call('LLEN', keys.active)
  redis.call('HLEN', keys.data)
  local known, all = records_of(keys.records, ids), #ids
  ids, known = not_forgotten(ids, known)
  if #ids == 0 then return ids end
  local of = bring_out(keys.dead, keys.groups, keys.letters, known, ids, signed.in_order and #ids == all)
  local line = cjson.encode({
    worker = signed.by, outcome = 'replayed', operation = signed.operation,
    reason = signed.reason ~= '' and signed.reason or nil,
  }):sub(2)
  local packed = {}
  for n, id in ipairs(ids) do
    local record = known[n]
    local used, _, generation, _, entries = run_of(record)
    local sent = sent_of(record, keys.data, id)
    record['end'], record.op, record.parked = nil, nil, nil
    record.next = stamp
    set_run(record, 0, 0, generation, sent, entries + 1)
    add_history(record, entries + 1, '{"attempt":' .. used .. ',' .. line)
    if signed.operation then record.op = signed.operation .. ' ' .. (signed.watched and of[n] or '!') end
    packed[#packed + 1] = id
    packed[#packed + 1] = cmsgpack.pack(record)
    if signed.fresh then
      local value = renewed(redis.call('HGET', keys.data, id), now)
      if value then redis.call('HSET', keys.data, id, value) end
    end
  end
  redis.call('HSET', keys.records, unpack(packed))
  local high = line_up(keys, ids)
  count(keys.stats, 'replayed', #ids)
  wake(keys.idle, high)
  return ids
end
