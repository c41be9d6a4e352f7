-- The operations that are remembered, newest first.
--
-- KEYS  1 replays  2 replay (prefix)
-- Returns {id, operation as {field, value, …}, …}
local answer = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, 199)) do
  answer[#answer + 1] = id
  answer[#answer + 1] = fields(KEYS[2] .. ':' .. id)
end
return answer
