-- One job, wherever it is.
--
-- KEYS  1 data  2 meta (prefix)  3 inflight  4 scheduled  5 retryable  6 dead  7 completions  8 delivery (prefix)
-- ARGV  1 id
-- Returns {now, payload or false, record as {field, value, …}, claim token or false, due in seconds or false,
--          1 if retryable, time of death in seconds or false, completion or false,
--          delivery of its message as {field, value, …}}
local id = ARGV[1]
local message = field(KEYS[2] .. ':' .. id, 'msg')
return {
  now,
  redis.call('HGET', KEYS[1], id),
  fields(KEYS[2] .. ':' .. id),
  redis.call('HGET', KEYS[3], id),
  redis.call('ZSCORE', KEYS[4], id),
  redis.call('SISMEMBER', KEYS[5], id),
  redis.call('ZSCORE', KEYS[6], id),
  redis.call('HGET', KEYS[7], id),
  message and fields(KEYS[8] .. ':' .. message) or {},
}
