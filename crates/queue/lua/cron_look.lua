-- What is known of a queue's cron entries. Once a minute of looking, whoever looks first counts a round and forgets the
-- schedules that nobody has had for five rounds: an entry that was taken out and is put back later is a new one. Rounds are
-- counted, not minutes, so that a fleet that was away forgets nothing. So is the pause of an entry that nobody has.
--
-- KEYS  1 cron  2 cron ticks  3 cron paused
-- ARGV  1 how long a round is, in ms  2 for how many rounds a schedule is kept that nobody has
-- Returns {now, rounds, {field, value, …}, the same of cron paused}
local rounds, at = (redis.call('HGET', KEYS[1], '*') or '0 0'):match('^(%d+) (%d+)$')
rounds, at = tonumber(rounds or 0), tonumber(at or 0)
if math.abs(now - at) >= tonumber(ARGV[1]) then
  rounds = rounds + 1
  local known = {}
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local name, seen = all[i]:match('^(%S+) '), all[i + 1]:match('^%d+ (%d+)$')
    if name and rounds - (seen or 0) > tonumber(ARGV[2]) then
      redis.call('HDEL', KEYS[1], all[i])
    elseif name then
      known[name] = true
    end
  end
  for i = 1, #all, 2 do
    if not all[i]:find(' ', 1, true) and not known[all[i]] and all[i] ~= '*' then
      redis.call('HDEL', KEYS[1], all[i])
      redis.call('HDEL', KEYS[2], all[i])
    end
  end
  local paused = redis.call('HGETALL', KEYS[3])
  for i = 1, #paused, 2 do
    local since = tonumber(paused[i + 1]:match('^(%d+) ')) or 0
    if not known[paused[i]] and rounds - since > tonumber(ARGV[2]) then redis.call('HDEL', KEYS[3], paused[i]) end
  end
  redis.call('HSET', KEYS[1], '*', rounds .. ' ' .. stamp)
end
return { now, rounds, redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[3]) }
