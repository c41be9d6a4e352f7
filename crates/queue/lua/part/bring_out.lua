-- bring_out(dead, groups, letters, known, ids): takes letters, at most 1000, out of the dead and out of their groups; a group is
-- forgotten with its last letter. Their payloads and records are left. known: their records. Returns for each its group, or "".
local function bring_out(dead, groups, letters, known, ids)
  if #ids == 0 then return {} end
  local of, members, lost = {}, {}, {}
  for n, score in ipairs(redis.call('ZMSCORE', dead, unpack(ids))) do
    local group, letter = group_of(known[n]) or '', { ms_of(score or 0), ids[n] }
    of[n] = group
    if group == '' then
      lost[#lost + 1] = letter
    else
      members[group] = members[group] or {}
      table.insert(members[group], letter_of(group, unpack(letter)))
    end
  end
  redis.call('ZREM', dead, unpack(ids))
  local function leave(group, some)
    redis.pcall('ZREM', letters, unpack(some))
    if has_letters(letters, group) == nil then redis.call('HDEL', groups, group) end
  end
  for group, some in pairs(members) do leave(group, some) end
  if #lost > 0 then
    -- Their records do not say of which group they are (any more): that is looked for, so that no ghost stays in one, and no
    -- group is listed for ever.
    local all = redis.call('HKEYS', groups)
    for i = 1, math.min(#all, 1000) do
      local some = {}
      for n, letter in ipairs(lost) do some[n] = letter_of(all[i], unpack(letter)) end
      leave(all[i], some)
    end
  end
  return of
end
