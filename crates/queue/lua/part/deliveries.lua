-- Deliveries: what became of messages, by the provider's id of each. One HASH of records in JSON, {job, state, rank, code,
-- at}, and one ZSET of when each was last heard of, in ms, so that the oldest go first. The hash's field "" counts what all
-- of them take in Redis's memory, roughly. Both go by themselves when nothing was heard for as long as they are kept.

-- What one takes: its message stands in both, and each entry has pointers of its own.
local function delivery_cost(message, record) return 2 * #message + #record + 150 end

-- count_deliveries(records, more): counts what they take. A count that is no number begins anew.
local function count_deliveries(records, more)
  local counted = redis.pcall('HINCRBY', records, '', more)
  if type(counted) == 'table' then redis.call('HSET', records, '', math.max(0, more)) end
end

-- sound_deliveries(records, ages): what another program has put in their place is not ours: ours takes its place, so that
-- one key that was spoiled does not stop a queue's messages.
local function sound_deliveries(records, ages)
  local types = { [records] = 'hash', [ages] = 'zset' }
  for key, wanted in pairs(types) do
    local found = redis.call('TYPE', key).ok
    if found ~= wanted and found ~= 'none' then redis.call('DEL', key) end
  end
end

-- delivery(records, message): its record, or nil. One that does not decode is none.
local function delivery(records, message)
  local text = redis.call('HGET', records, message)
  local decoded, record = pcall(cjson.decode, text or '')
  return text and decoded and type(record) == 'table' and type(record.job) == 'string' and record or nil
end

-- trim_deliveries(records, ages, keep_ms, most_bytes, n): forgets the oldest, at most n, that are older than keep_ms or
-- beyond most_bytes. Returns how many.
local function trim_deliveries(records, ages, keep_ms, most_bytes, n)
  local oldest = redis.call('ZRANGE', ages, 0, n - 1, 'WITHSCORES')
  local bytes, freed, gone = (tonumber(redis.call('HGET', records, '') or 0) or 0), 0, {}
  for i = 1, #oldest, 2 do
    local message = oldest[i]
    if now - oldest[i + 1] < keep_ms and bytes - freed <= most_bytes then break end
    local record = redis.call('HGET', records, message)
    if record then freed = freed + delivery_cost(message, record) end
    gone[#gone + 1] = message
  end
  if #gone == 0 then return 0 end
  redis.call('ZREM', ages, unpack(gone))
  redis.call('HDEL', records, unpack(gone))
  count_deliveries(records, -freed)
  if redis.call('EXISTS', ages) == 0 then redis.call('DEL', records) end
  return #gone
end

-- note_delivery(records, ages, message, record, keep_ms, most_bytes): keeps a record, and forgets some of the oldest.
local function note_delivery(records, ages, message, record, keep_ms, most_bytes)
  local text, before = cjson.encode(record), redis.call('HGET', records, message)
  local more = delivery_cost(message, text) - (before and delivery_cost(message, before) or 0)
  redis.call('HSET', records, message, text)
  count_deliveries(records, more)
  redis.call('ZADD', ages, now, message)
  trim_deliveries(records, ages, keep_ms, most_bytes, 20)
  redis.call('PEXPIRE', records, keep_ms)
  redis.call('PEXPIRE', ages, keep_ms)
end
