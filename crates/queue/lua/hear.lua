-- Writes down news of a message's delivery. News come several times and in any order: only a higher rank overwrites.
--
-- KEYS  1 delivery (of the message)  2 record (of the job that the news names; "" if none)
-- ARGV  1 message  2 job that the news names ("" = none)  3 state  4 rank  5 the provider's code ("" = none)
--       6 how long it is kept, in ms
-- Returns noted, stale (something later is known), or unknown (it belongs to no job of ours)
local owner = redis.call('HGET', KEYS[1], 'job')
if not owner then
  if ARGV[2] == '' or redis.call('EXISTS', KEYS[2]) == 0 then return 'unknown' end
  -- The answer to the request was lost, or its worker: this is the first that is heard of the message.
  redis.call('HSET', KEYS[1], 'job', ARGV[2])
  redis.pcall('HSET', KEYS[2], 'msg', ARGV[1])
end
local known = tonumber(redis.call('HGET', KEYS[1], 'rank') or 0)
if tonumber(ARGV[4]) <= known then return 'stale' end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'rank', ARGV[4], 'at', stamp)
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'code', ARGV[5])
else
  redis.call('HDEL', KEYS[1], 'code')
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 'noted'
