-- park(p, record, id, kind): parks a job with this record. Returns whether that could be written, and whether its kind is sought.
-- It counts from when the job was parked first, however often it comes back. Those of one call keep their order.
local parked_before = 0
local function park(p, record, id, kind)
  local digest = digest_of(kind)
  local since = (record.parked or ''):match('^(%d+%.?%d*) ')
  if not since then
    since = string.format('%s.%03d', stamp, parked_before)
    parked_before = parked_before + 1
  end
  local written, sought = pcall(function()
    local sought = known_lately(p, kind)
    if sought then write_or_replace('SADD', p.sought, kind) end
    write_or_replace('HSET', p.kinds, 'parked ' .. kind, '')
    redis.call('ZADD', p.parked, since, id)
    redis.call('ZADD', p.of_kinds, 0, parked_as(digest, since, id))
    return sought
  end)
  if not written then unpark(p, digest, kind, { id }) end
  return written, written and sought, since .. ' ' .. digest
end
