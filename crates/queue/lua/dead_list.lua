-- Dead letters, newest first, a page of at most 200, or what some MiB of payloads belong to. The payloads are left out.
--
-- KEYS  1 dead, or the letters of one group  2 groups  3 records  4 data
-- ARGV  1 not before, in ms ago ("" = any)  2 offset  3 how many
-- Returns {now, 1 if there are more, id, time of death in seconds, description of its group in JSON or false, header or false,
--          record, packed, or false, …}
-- Parts: now, record, header, value
local since = ARGV[1] == '' and '-inf' or seconds(now - ARGV[1])
local rows = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', since, 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
local answer, bytes = { now, 0 }, 0
for i = 1, #rows, 2 do
  if bytes > 4194304 then
    answer[2] = 1
    break
  end
  local packed = tried('HGET', KEYS[3], rows[i])
  local group = group_of(unpacked(packed))
  local before, length = header_of(KEYS[4], rows[i])
  bytes = bytes + length
  answer[#answer + 1] = rows[i]
  answer[#answer + 1] = rows[i + 1]
  answer[#answer + 1] = group and tried('HGET', KEYS[2], group) or false
  answer[#answer + 1] = before
  answer[#answer + 1] = packed
end
return answer
