-- Takes in a job that another program pushed: what it wrote beside the payload becomes the header, so that from then on it
-- is a job like any other.
--
-- KEYS  1 data  2 inflight  3 record (as it was pushed: meta:<id>)
-- ARGV  1 id  2 claim token  3 when it was made as its id says, in ms since the epoch ("" = it does not)
-- Returns what stands of it in data now, or false: nothing does, or the token no longer owns the job
-- Parts: now, record, header, value
local data, inflight, pushed = unpack(KEYS)
local id = ARGV[1]
if redis.call('HGET', inflight, id) ~= ARGV[2] then return false end
local value = value_of(data, id)
if type(value) ~= 'string' or header(value) then return value end
local names, wrote = { 'at', 'due', 'exp', 'key', 'idempotency_key', 'traceparent', 'tracestate' }, {}
for n, text in ipairs(tried('HMGET', pushed, unpack(names)) or {}) do wrote[names[n]] = text or nil end

-- A time as ms since the epoch.
local function time(name)
  local text = wrote[name]
  return text and text:match('^%d+$') and #text <= 15 and tonumber(text) or nil
end
local function text(name, most)
  local text = wrote[name]
  return text and text ~= '' and #text <= most and text or nil
end

local flags, parts = 0, {}
local function has(flag, text)
  if not text then return end
  flags = flags + flag
  parts[#parts + 1] = with_text(text)
end
-- What apalis calls a key has no kind before it.
local key = text('idempotency_key', 1024)
has(1, text('key', 1024) or (key and ':' .. key))
has(4, text('traceparent', 128))
has(8, text('tracestate', 1024))
-- A producer's clock may be ahead: that gives it no more time.
local at = math.min(time('at') or tonumber(ARGV[3]) or now, now)
local begins = begin_header(time('due'), time('exp'))
value = begins:sub(1, 1) .. struct.pack('>I6', at) .. begins:sub(8) .. string.char(flags) .. table.concat(parts) .. value
redis.call('HSET', data, id, value)
redis.call('UNLINK', pushed)
return value
