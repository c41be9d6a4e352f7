-- prune(of, keep_ms, keep_bytes, batches): forgets ended jobs that are older than keep_ms, and the oldest beyond keep_bytes (0 = no
-- cap). What ended in the last ten seconds always stays: a producer may still be repeating an enqueue whose answer it
-- lost, and must find the id. of: {batches = the list, counter = of the bytes of all of them, in stats, stats, forget = a function that forgets jobs, at most
-- 256}.
-- Each entry of the list is one batch: "<ms> <bytes> <id> <id> …", so this is a few calls per batch.
-- Returns when the oldest batch that is left is due, in ms since the epoch, or 0.
local function prune(of, keep_ms, keep_bytes, batches)
  local list = of.batches
  local held = keep_bytes > 0 and tonumber(tried('HGET', of.stats, of.counter) or 0) or 0
  for _ = 1, batches do
    local batch = redis.call('LINDEX', list, 0)
    if not batch then return 0 end
    local at, bytes, ids = batch:match('^(%d+) (%d+) (.*)$')
    if not at then
      -- Somebody else has written it: it must not keep what came after it for ever.
      redis.call('LPOP', list)
      return now
    end
    -- From before the clock was set back: as if it had ended now.
    if tonumber(at) > now then
      at = stamp
      redis.call('LSET', list, 0, at .. ' ' .. bytes .. ' ' .. ids)
    end
    local age = now - at
    if not (age >= keep_ms or (held > keep_bytes and keep_bytes > 0 and age >= 10000)) then
      return held > keep_bytes and keep_bytes > 0 and at + 10000 or at + keep_ms
    end
    local gone = {}
    for id in ids:gmatch('%S+') do gone[#gone + 1] = id end
    redis.call('LPOP', list)
    of.forget(gone)
    count(of.stats, of.counter, -bytes)
    held = held - bytes
  end
  return now
end

-- prune_completed(k, keep_ms, keep_bytes, batches): the completed ones. k: {completed, completions, stats, data, records}
local function prune_completed(k, keep_ms, keep_bytes, batches)
  return prune({
    batches = k.completed, counter = 'completed_bytes', stats = k.stats,
    forget = function(ids)
      redis.call('HDEL', k.data, unpack(ids))
      redis.call('HDEL', k.completions, unpack(ids))
      redis.call('HDEL', k.records, unpack(ids))
    end,
  }, keep_ms, keep_bytes, batches)
end
