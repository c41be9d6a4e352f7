-- Dead letters, newest first, a page of at most 200, or what some MiB of payloads belong to. The payloads are left out.
--
-- KEYS  1 dead  2 groups  3 records  4 data  5 letters  6 deliveries
-- ARGV  1 not before, in ms ago ("" = any)  2 offset  3 how many  4 group ("" = all)
-- Returns {now, 1 if there are more, id, time of death in seconds, what stands of its group (part/growth.lua) or false, header or false,
--          record, packed, or false, delivery of its message in JSON or false, …}
-- Parts: now, write_or_replace, record, groups, header, value, delivery_of
local rows
if ARGV[4] == '' then
  local since = ARGV[1] == '' and '-inf' or seconds(now - ARGV[1])
  rows = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', since, 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
else
  local from, till = range_of(ARGV[4], ARGV[1] ~= '' and math.max(0, now - ARGV[1]) or nil)
  rows = {}
  for _, letter in ipairs(redis.call('ZRANGE', KEYS[5], till, from, 'BYLEX', 'REV', 'LIMIT', ARGV[2], ARGV[3])) do
    local id, at = read_letters(ARGV[4], { letter })
    rows[#rows + 1] = id[1]
    rows[#rows + 1] = seconds(at or 0)
  end
end
local answer, bytes = { now, 0 }, 0
for i = 1, #rows, 2 do
  if bytes > 4194304 then
    answer[2] = 1
    break
  end
  local packed = tried('HGET', KEYS[3], rows[i])
  local record = unpacked(packed)
  local group = group_of(record)
  local before, length = header_of(KEYS[4], rows[i])
  bytes = bytes + length
  answer[#answer + 1] = rows[i]
  answer[#answer + 1] = rows[i + 1]
  answer[#answer + 1] = group and tried('HGET', KEYS[2], group) or false
  answer[#answer + 1] = before
  answer[#answer + 1] = packed
  answer[#answer + 1] = delivery_of(KEYS[6], record)
end
return answer
