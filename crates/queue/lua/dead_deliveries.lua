-- What providers have said of the messages of a group's newest letters, at most so many, or those that some MiB of records belong to.
--
-- KEYS  1 letters  2 records  3 deliveries
-- ARGV  1 group  2 how many
-- Returns {how many were looked at, state in the provider's word ("" = it has said none), how many of them, …}; of some no message is known
-- Parts: now, write_or_replace, record, groups, delivery_of
local from, till = range_of(ARGV[1])
local ids = read_letters(ARGV[1], redis.call('ZRANGE', KEYS[1], till, from, 'BYLEX', 'REV', 'LIMIT', 0, ARGV[2]))
local looked, bytes, counts = 0, 0, {}
for _, id in ipairs(ids) do
  if bytes > 4194304 then break end
  local packed = tried('HGET', KEYS[2], id)
  looked, bytes = looked + 1, bytes + (packed and #packed or 0)
  local state = delivery_state(KEYS[3], unpacked(packed))
  if state then counts[state] = (counts[state] or 0) + 1 end
end
local answer = { looked }
for state, n in pairs(counts) do
  answer[#answer + 1] = state
  answer[#answer + 1] = n
end
return answer
