-- Jobs whose worker was lost: one ZSET of "<worker> <id>" by when that was found, in ms. It only tells people, so the last 10,000 of a day
-- are kept.

-- note_lost(lost, members): adds these: {ms, member, …}, at most 1000 of them. At most 1000 old ones go in a call.
local function note_lost(lost, members)
  if #members == 0 then return end
  write_or_replace('ZADD', lost, unpack(members))
  local old = redis.call('ZRANGEBYSCORE', lost, '-inf', '(' .. string.format('%.0f', now - 86400000), 'LIMIT', 0, 1000)
  if #old == 0 then
    local many = math.min(redis.call('ZCARD', lost) - 10000, 1000)
    old = many > 0 and redis.call('ZRANGE', lost, 0, many - 1) or {}
  end
  if #old > 0 then redis.call('ZREM', lost, unpack(old)) end
  redis.call('PEXPIRE', lost, 86400000)
end
