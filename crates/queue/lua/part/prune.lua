-- prune(completed, completions, stats, data, records, keep_ms, keep_bytes, batches): forgets completed jobs that are older than
-- keep_ms, and the oldest beyond keep_bytes (0 = no cap). What completed in the last ten seconds always stays: a
-- producer may still be repeating an enqueue whose answer it lost, and must find the id.
-- Each entry of `completed` is one settled batch: "<ms> <bytes> <id> <id> …", so this is a few calls per batch.
-- Returns when the oldest batch that is left is due, in ms since the epoch, or 0.
local function prune(completed, completions, stats, data, records, keep_ms, keep_bytes, batches)
  local held = keep_bytes > 0 and tonumber(tried('HGET', stats, 'completed_bytes') or 0) or 0
  for _ = 1, batches do
    local batch = redis.call('LINDEX', completed, 0)
    if not batch then return 0 end
    local at, bytes, ids = batch:match('^(%d+) (%d+) (.*)$')
    if not at then
      -- Somebody else has written it: it must not keep what came after it for ever.
      redis.call('LPOP', completed)
      return now
    end
    -- From before the clock was set back: as if it had ended now.
    if tonumber(at) > now then
      at = stamp
      redis.call('LSET', completed, 0, at .. ' ' .. bytes .. ' ' .. ids)
    end
    local age = now - at
    if not (age >= keep_ms or (held > keep_bytes and keep_bytes > 0 and age >= 10000)) then
      return held > keep_bytes and keep_bytes > 0 and at + 10000 or at + keep_ms
    end
    local gone = {}
    for id in ids:gmatch('%S+') do gone[#gone + 1] = id end
    redis.call('LPOP', completed)
    redis.call('HDEL', data, unpack(gone))
    redis.call('HDEL', completions, unpack(gone))
    redis.call('HDEL', records, unpack(gone))
    count(stats, 'completed_bytes', -bytes)
    held = held - bytes
  end
  return now
end
