-- The groups of dead letters, in time proportional to their number.
--
-- KEYS  1 letters  2 groups
-- Returns {now, id, what stands of it (part/growth.lua), count (-1 = its letters are of another type), first death in seconds, last death in seconds, …}
-- Parts: now, write_or_replace, record, groups
local answer = { now }
local groups = redis.call('HGETALL', KEYS[2])
for i = 1, #groups, 2 do
  local group = groups[i]
  local from, till = range_of(group)
  local count = tried('ZLEXCOUNT', KEYS[1], from, till)
  local function died(...)
    local _, at = read_letters(group, count and redis.call('ZRANGE', KEYS[1], ...) or {})
    return at and seconds(at) or ''
  end
  answer[#answer + 1] = group
  answer[#answer + 1] = groups[i + 1]
  answer[#answer + 1] = count or -1
  answer[#answer + 1] = died(from, till, 'BYLEX', 'LIMIT', 0, 1)
  answer[#answer + 1] = died(till, from, 'BYLEX', 'REV', 'LIMIT', 0, 1)
end
return answer
