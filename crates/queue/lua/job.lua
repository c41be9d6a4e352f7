-- One job, wherever it is.
--
-- KEYS  1 data  2 meta (prefix)  3 inflight  4 scheduled  5 retryable  6 dead  7 completions  8 deliveries  9 parked
-- ARGV  1 id
-- Returns {now, payload or false, record as {field, value, …}, claim token or false, due in seconds or false,
--          1 if retryable, time of death in seconds or false, completion or false,
--          delivery of its message in JSON or false, since when it is parked in ms or false}
local id = ARGV[1]
local message = field(KEYS[2] .. ':' .. id, 'msg')
-- What another program has put in its place says nothing.
local delivered = message and redis.pcall('HGET', KEYS[8], message)
return {
  now,
  tried('HSTRLEN', KEYS[1], id) and payload(KEYS[1], id),
  fields(KEYS[2] .. ':' .. id),
  tried('HGET', KEYS[3], id),
  tried('ZSCORE', KEYS[4], id),
  tried('SISMEMBER', KEYS[5], id) or 0,
  tried('ZSCORE', KEYS[6], id),
  tried('HGET', KEYS[7], id),
  message and type(delivered) == 'string' and delivered or false,
  tried('ZSCORE', KEYS[9], id),
}
