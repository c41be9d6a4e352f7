-- relist(p, k, records): where fewer jobs stand among those of their kind than are parked, somebody has removed or written over that
-- list, and no claim and no burial would find the others. They go back to where they wait: whoever claims them parks them anew. A
-- thousand parked jobs are looked at in a call; the next call goes on.
local function relist(p, k, records)
  local parked = redis.call('ZCARD', p.parked)
  if parked <= (tried('ZCARD', p.of_kinds) or 0) then return end
  local from = tonumber(tried('HGET', p.kinds, 'relisted') or nil) or 0
  if from >= parked then from = 0 end
  local rows = redis.call('ZRANGE', p.parked, from, from + 999, 'WITHSCORES')
  local ids, missing = {}, {}
  for n = 1, #rows, 2 do ids[#ids + 1] = rows[n] end
  for n, record in ipairs(records_of(records, ids)) do
    local digest = (record.parked or ''):match(' (%x+)$') or ''
    if not tried('ZSCORE', p.of_kinds, parked_as(digest, rows[2 * n], ids[n])) then missing[#missing + 1] = ids[n] end
  end
  if #missing > 0 then
    redis.call('ZREM', p.parked, unpack(missing))
    line_up(k, missing, false)
  end
  write_or_replace('HSET', p.kinds, 'relisted', string.format('%.0f', from + #ids - #missing))
  return #missing > 0
end
