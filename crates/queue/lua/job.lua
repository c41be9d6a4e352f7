-- One job, wherever it is.
--
-- KEYS  1 data  2 records  3 inflight  4 scheduled  5 retryable  6 dead  7 completions  8 deliveries  9 parked
--       10 active  11 record (as another program pushed it: meta:<id>)
-- ARGV  1 id
-- Returns {now, what stands of it in data (part/header.lua), its length where it is too large, or false, record, packed, or
--          false, claim token or false, due in seconds or false, 1 if retryable, time of death in seconds or false,
--          completion or false, delivery of its message in JSON or false, since when it is parked in ms or false,
--          what another program wrote of it, as {field, value, …}, 1 if another program wrote its payload and listed it
--          nowhere; else 0}
-- Parts: now, record, header, value
local id = ARGV[1]
local packed = tried('HGET', KEYS[2], id)
local message = unpacked(packed).msg
-- What another program has put in its place says nothing.
local delivered = message and redis.pcall('HGET', KEYS[8], message)
local value = value_of(KEYS[1], id)
-- What another program pushed has no header until its first claim.
local pushed, unlisted = {}, 0
if value and not header(value) then
  -- No worker has ever seen it. Whether a list of any length has an id takes as long as the list is.
  local most = 20000
  local length = tried('LLEN', KEYS[10]) or most
  if length < most and not tried('LPOS', KEYS[10], id) then unlisted = 1 end
  local names = { 'at', 'due', 'exp', 'key', 'idempotency_key', 'traceparent', 'tracestate' }
  for n, text in ipairs(tried('HMGET', KEYS[11], unpack(names)) or {}) do
    if text and #text <= 16384 then
      pushed[#pushed + 1] = names[n]
      pushed[#pushed + 1] = text
    end
  end
end
return {
  now,
  value,
  packed,
  tried('HGET', KEYS[3], id),
  tried('ZSCORE', KEYS[4], id),
  tried('SISMEMBER', KEYS[5], id) or 0,
  tried('ZSCORE', KEYS[6], id),
  tried('HGET', KEYS[7], id),
  type(delivered) == 'string' and delivered or false,
  tried('ZSCORE', KEYS[9], id),
  pushed,
  unlisted,
}
