-- named(dead, ids): those of these ids, each once, that are dead letters.
local function named(dead, ids)
  local found, seen = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] and redis.call('ZSCORE', dead, id) then
      seen[id] = true
      found[#found + 1] = id
    end
  end
  return found
end

-- list(ids): as an audit names them: the first fifty, and how many more there are.
local function list(ids)
  local more = #ids > 50 and ' and ' .. (#ids - 50) .. ' more' or ''
  return table.concat(ids, ' ', 1, math.min(#ids, 50)) .. more
end

-- leave_group(dead, groups, group, ids): takes letters out of a group, and forgets the group with its last letter.
local function leave_group(dead, groups, group, ids)
  redis.call('ZREM', dead .. ':' .. group, unpack(ids))
  if redis.call('EXISTS', dead .. ':' .. group) == 0 then redis.call('HDEL', groups, group) end
end

-- bring_out(dead, groups, known, ids): takes letters, at most 1000, out of the dead; their payloads and records are left. known:
-- their records. Returns for each its group, or "".
local function bring_out(dead, groups, known, ids)
  if #ids == 0 then return {} end
  local of, members = {}, {}
  for n, id in ipairs(ids) do
    local group = group_of(known[n]) or ''
    of[n] = group
    members[group] = members[group] or {}
    table.insert(members[group], id)
  end
  redis.call('ZREM', dead, unpack(ids))
  for group, letters in pairs(members) do
    if group ~= '' then leave_group(dead, groups, group, letters) end
  end
  if members[''] then
    -- Their records do not say of which group they are (any more): that is looked for, so that no ghost stays in one, and no
    -- group is listed for ever.
    local some = redis.call('HKEYS', groups)
    for i = 1, math.min(#some, 1000) do
      local letters = dead .. ':' .. some[i]
      redis.pcall('ZREM', letters, unpack(members['']))
      if redis.call('EXISTS', letters) == 0 then redis.call('HDEL', groups, some[i]) end
    end
  end
  return of
end
