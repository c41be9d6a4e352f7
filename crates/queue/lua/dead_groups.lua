-- The groups of dead letters, in time proportional to their number.
--
-- KEYS  1 dead  2 groups
-- Returns {id, description in JSON, count (-1 = its letters are of another type), first death in seconds, last death in seconds, …}
local answer = {}
local groups = redis.call('HGETALL', KEYS[2])
for i = 1, #groups, 2 do
  local letters = KEYS[1] .. ':' .. groups[i]
  answer[#answer + 1] = groups[i]
  answer[#answer + 1] = groups[i + 1]
  local count = tried('ZCARD', letters)
  answer[#answer + 1] = count or -1
  answer[#answer + 1] = count and redis.call('ZRANGE', letters, 0, 0, 'WITHSCORES')[2] or ''
  answer[#answer + 1] = count and redis.call('ZRANGE', letters, -1, -1, 'WITHSCORES')[2] or ''
end
return answer
