-- Notes that somebody wants to be told of the end of a job. At most eight may wait for one; later ones look by themselves.
--
-- KEYS  1 waiters
-- ARGV  1 job  2 channel  3 for how many ms the table stays when nobody is added
local channels = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(channels) == 'table' then redis.call('DEL', KEYS[1]) end
local known, n = { ARGV[2] }, 1
for channel in (type(channels) == 'string' and channels or ''):gmatch('%S+') do
  if channel ~= ARGV[2] and n < 8 then
    n = n + 1
    known[n] = channel
  end
end
redis.call('HSET', KEYS[1], ARGV[1], table.concat(known, ' '))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
