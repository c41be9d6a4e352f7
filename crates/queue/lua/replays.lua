-- The operations that are remembered, newest first; or one of them.
--
-- KEYS  1 replays  2 operations  3 cancelled replays
-- ARGV  1 id ("" = all)
-- Returns {id, operation as {field, value, …}, …}
-- Parts: now, record, audit, operation
local answer = {}
for _, id in ipairs(ARGV[1] ~= '' and { ARGV[1] } or redis.call('ZREVRANGE', KEYS[1], 0, 199)) do
  local pairs_of = {}
  local op = operation_of(KEYS[2], id)
  local waiting = tonumber(redis.call('HGET', KEYS[3], id) or nil)
  if waiting then op.cancelled = string.format('%.0f', waiting + (tonumber(op.cancelled or nil) or 0)) end
  for name, value in pairs(op) do
    -- Whatever stands there is read by people, or a program that has to stay small.
    pairs_of[#pairs_of + 1] = name
    pairs_of[#pairs_of + 1] = #value <= 1048576 and value or ''
  end
  answer[#answer + 1] = id
  answer[#answer + 1] = pairs_of
end
return answer
