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

-- bring_out(dead, groups, meta, ids): takes letters, at most 1000, out of the dead; their payloads and records are left.
-- Returns for each its group, or "".
local function bring_out(dead, groups, meta, ids)
  if #ids == 0 then return {} end
  local of, members = {}, {}
  for n, id in ipairs(ids) do
    local group = (field(meta .. ':' .. id, 'end') or ''):match('^d(.*)$') or ''
    of[n] = group
    members[group] = members[group] or {}
    table.insert(members[group], id)
  end
  redis.call('ZREM', dead, unpack(ids))
  if members[''] then
    -- Their records do not say of which group they are (any more): that is looked for, so that no ghost stays in one.
    local known = redis.call('HKEYS', groups)
    for i = 1, math.min(#known, 1000) do
      local letters = dead .. ':' .. known[i]
      redis.pcall('ZREM', letters, unpack(members['']))
      if redis.call('EXISTS', letters) == 0 then redis.call('HDEL', groups, known[i]) end
    end
  end
  for group, letters in pairs(members) do
    if group ~= '' then leave_group(dead, groups, group, letters) end
  end
  -- A letter whose record is gone does not say its group: it is looked for in each, or its group would be listed for ever.
  if members[''] and redis.call('HLEN', groups) <= 1000 then
    for _, group in ipairs(redis.call('HKEYS', groups)) do leave_group(dead, groups, group, members['']) end
  end
  return of
end
