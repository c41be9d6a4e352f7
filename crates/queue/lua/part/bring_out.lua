-- bring_out(dead, groups, letters, known, ids, in_order): takes letters, at most 1000, out of the dead and out of their groups; a group is
-- forgotten with its last letter. Their payloads and records are left. known: their records. in_order: they stand next to each other
-- among the dead, or among those of one group, so that those of a group are next to each other there, too: then all of these are taken out
-- in one go, instead of being looked for one by one. Returns for each its group, or "".
local function bring_out(dead, groups, letters, known, ids, in_order)
  if #ids == 0 then return {} end
  local of, places = {}, {}
  local died = redis.call('ZMSCORE', dead, unpack(ids))
  for n = 1, #ids do
    local group = group_of(known[n]) or ''
    of[n] = group
    places[group] = places[group] or {}
    table.insert(places[group], n)
  end
  redis.call('ZREM', dead, unpack(ids))
  local function letter(group, n) return letter_of(group, ms_of(died[n] or 0), ids[n]) end
  local function leave(group, some, next_to_each_other)
    local gone = 0
    if next_to_each_other then
      gone = redis.pcall('ZREMRANGEBYLEX', letters, '[' .. letter(group, some[1]), '[' .. letter(group, some[#some]))
    end
    if type(gone) ~= 'number' or gone < #some then
      local members = {}
      for i, n in ipairs(some) do members[i] = letter(group, n) end
      redis.pcall('ZREM', letters, unpack(members))
    end
    if has_letters(letters, group) == nil then redis.call('HDEL', groups, group) end
  end
  for group, some in pairs(places) do
    if group ~= '' then leave(group, some, in_order) end
  end
  if places[''] then
    -- Their records do not say of which group they are (any more): that is looked for, so that no ghost stays in one, and no
    -- group is listed for ever.
    local all = redis.call('HKEYS', groups)
    for i = 1, math.min(#all, 1000) do leave(all[i], places[''], false) end
  end
  return of
end
