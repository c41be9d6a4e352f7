-- Who has a lease, and what each says of itself.
--
-- KEYS  1 workers  2 worker facts
-- ARGV  1 how many at the most, up to 1000
-- Returns {now, {worker, last beat in ms, …}, {facts or false, …}}
local rows = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
if #rows == 0 then return { now, {}, {} } end
local names = {}
for i = 1, #rows, 2 do names[#names + 1] = rows[i] end
return { now, rows, redis.call('HMGET', KEYS[2], unpack(names)) }
