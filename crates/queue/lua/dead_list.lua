-- Dead letters, newest first, a page of at most 200. Their payloads are left out: two hundred may be 50 MiB.
--
-- KEYS  1 dead, or the letters of one group  2 groups  3 meta (prefix)
-- ARGV  1 not before, in ms ago ("" = any)  2 offset  3 how many
-- Returns {now, id, time of death in seconds, description of its group in JSON or false, record as {field, value, …}, …}
local since = ARGV[1] == '' and '-inf' or seconds(now - ARGV[1])
local rows = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', since, 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
local answer = { now }
for i = 1, #rows, 2 do
  local record = KEYS[3] .. ':' .. rows[i]
  local group = (field(record, 'end') or ''):match('^d(.*)$')
  answer[#answer + 1] = rows[i]
  answer[#answer + 1] = rows[i + 1]
  answer[#answer + 1] = group and tried('HGET', KEYS[2], group) or false
  answer[#answer + 1] = fields(record)
end
return answer
