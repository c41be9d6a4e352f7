-- Notes what a worker says of itself, for as long as it has a lease, and forgets what workers without one have said. Parked
-- jobs of the kinds that it knows are sought from then on.
--
-- KEYS  1 workers  2 worker facts  3 kinds  4 sought  5 idle  6 timeline  7 stats  8 minutes  9 notices
-- ARGV  1 worker  2 its facts, JSON  3 how many jobs may wait in the queue ("" = any number)
--       4 which notices are wanted, words with spaces around each, or "" = none (part/notices.lua)
--       5 for how long notices are kept while none are wanted, in ms; then each kind that it knows
-- Returns 1, or 0 when the worker has no lease
-- Parts: now, write_or_replace, wake, record, minutes, notices
local workers, facts, kinds, sought, idle = unpack(KEYS)
if not redis.call('ZSCORE', workers, ARGV[1]) then return 0 end
write_or_replace('HSET', facts, ARGV[1], ARGV[2])
-- Every producer is held to it (part/max_waiting.lua). In a Redis that forgot it, it stands again within a minute.
if ARGV[3] == '' then
  redis.pcall('HDEL', KEYS[6], 'max_waiting')
else
  redis.pcall('HSET', KEYS[6], 'max_waiting', ARGV[3])
end
-- Those who cancel jobs, or hear of deliveries, do not know the configuration: they find here what is wanted.
if ARGV[4] == '' then
  redis.pcall('HDEL', KEYS[6], 'notices')
  pcall(forget_notices, KEYS[9], KEYS[7], now - ARGV[5])
else
  redis.pcall('HSET', KEYS[6], 'notices', ARGV[4])
end
-- So that each minute has its record, with how many had been enqueued by then.
pcall(count_minute, KEYS[8], KEYS[7], {})
local found = false
for i = 6, #ARGV do
  write_or_replace('HSET', kinds, 'known ' .. ARGV[i], stamp)
  if redis.call('HEXISTS', kinds, 'parked ' .. ARGV[i]) == 1 then
    write_or_replace('SADD', sought, ARGV[i])
    found = true
  end
end
if found then wake(idle) end
-- A worker that was killed leaves its facts behind. At most some hundreds are looked at in a call.
if redis.call('HLEN', facts) > redis.call('ZCARD', workers) then
  local chunk = redis.call('HSCAN', facts, 0, 'COUNT', 200)[2]
  for i = 1, math.min(#chunk, 1000), 2 do
    if not redis.call('ZSCORE', workers, chunk[i]) then redis.call('HDEL', facts, chunk[i]) end
  end
end
-- Nor was its channel taken out. Those of the living come back with their next claim.
local channels = redis.pcall('ZCARD', idle)
if type(channels) == 'number' and channels > 100 + 2 * redis.call('ZCARD', workers) then redis.call('DEL', idle) end
return 1
