-- prune_cancelled(k, keep_ms, keep_bytes, batches): forgets cancelled jobs that are older than keep_ms, and the oldest beyond
-- keep_bytes (0 = no cap), as part/prune.lua does with completed ones. k: {cancelled, stats, data, records}. One that a worker has told
-- since to a Redis that forgot is not cancelled any more, and stays.
local function prune_cancelled(k, keep_ms, keep_bytes, batches)
  return prune({
    batches = k.cancelled, counter = 'cancelled_bytes', stats = k.stats,
    forget = function(ids)
      local gone = {}
      for n, record in ipairs(records_of(k.records, ids)) do
        if cancelled_at(record) then gone[#gone + 1] = ids[n] end
      end
      if #gone > 0 then
        redis.call('HDEL', k.data, unpack(gone))
        redis.call('HDEL', k.records, unpack(gone))
      end
    end,
  }, keep_ms, keep_bytes, batches)
end
