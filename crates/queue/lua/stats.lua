-- Counts the queue.
--
-- KEYS  1 active  2 scheduled  3 retryable  4 inflight  5 dead  6 stats  7 gate  8 meta (prefix)  9 workers
--       10 breakers  11 limits  12 timeline
-- ARGV  1 after how many ms without a beat a worker counts as gone
-- Returns {now, pending, due or later, retryable of these, running, dead, counters as {name, value, …}, what holds
--          claims back as {field, value, …} (keys.rs), id of the oldest pending job or false, its enqueue time or false,
--          workers that have beaten lately, breakers as {provider, state, …}, all that holds calls back now as {cause,
--          provider ("" = the queue's own), until in ms or 0, …}, how many stand in the waiting list although they are
--          elsewhere (take_back.lua), or false}
-- Parts: now, record, hold, breaker, limiter, holds
local held = {}
for _, found in ipairs(holds(KEYS[7], KEYS[10], KEYS[11], KEYS[12])) do
  held[#held + 1] = found[1]
  held[#held + 1] = found[2]
  held[#held + 1] = string.format('%.0f', found[3])
end
local head = redis.call('LINDEX', KEYS[1], 0)
return {
  now,
  redis.call('LLEN', KEYS[1]),
  redis.call('ZCARD', KEYS[2]),
  redis.call('SCARD', KEYS[3]),
  redis.call('HLEN', KEYS[4]),
  redis.call('ZCARD', KEYS[5]),
  redis.call('HGETALL', KEYS[6]),
  redis.call('HGETALL', KEYS[7]),
  head,
  head and field(KEYS[8] .. ':' .. head, 'at'),
  redis.call('ZCOUNT', KEYS[9], string.format('%.0f', now - ARGV[1]), '+inf'),
  redis.call('HGETALL', KEYS[10]),
  held,
  redis.call('HGET', KEYS[12], 'left'),
}
