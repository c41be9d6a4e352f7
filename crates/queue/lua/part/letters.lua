-- letters(dead, ids or nil, selected, cutoff): the dead letters meant by a replay or a discard: the ids that are
-- dead, or at most 1000 of `selected` (all letters, or one group's) that died before the cut-off.
local function letters(dead, ids, selected, cutoff)
  if not ids then return redis.call('ZRANGEBYSCORE', selected, '-inf', cutoff, 'LIMIT', 0, 1000) end
  local found = {}
  for _, id in ipairs(ids) do
    if redis.call('ZSCORE', dead, id) then found[#found + 1] = id end
  end
  return found
end

-- bring_out(dead, groups, meta, id): takes a letter out of the dead; its payload and record are left.
local function bring_out(dead, groups, meta, id)
  local ended = redis.call('HGET', meta .. ':' .. id, 'end') or ''
  local group = ended:match('^d(.*)$')
  redis.call('ZREM', dead, id)
  if group then
    redis.call('ZREM', dead .. ':' .. group, id)
    if redis.call('EXISTS', dead .. ':' .. group) == 0 then redis.call('HDEL', groups, group) end
  end
end
