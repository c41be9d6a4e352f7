-- Dead letters back to pending, attempts reset, history kept. Idempotent: what is not dead is left alone.
--
-- KEYS  1 dead  2 the letters to choose from (all or one group's)  3 groups  4 meta (prefix)  5 active  6 stats  7 signal
-- ARGV  1 "ids" or "selected"; then the ids, at most 1000, or the cut-off: time of death in seconds
-- Returns {id, …} of those that are pending now
local dead, selected, groups, meta, active, stats, signal = unpack(KEYS)
local ids = nil
if ARGV[1] == 'ids' then ids = { unpack(ARGV, 2) } end
local replayed = letters(dead, ids, selected, ARGV[2])
for _, id in ipairs(replayed) do
  bring_out(dead, groups, meta, id)
  local record = meta .. ':' .. id
  redis.call('HDEL', record, 'end')
  -- Run state: attempts used, times lost, key generation, may have been sent, entries in the history.
  local gen, sent, entries = (redis.call('HGET', record, 'run') or ''):match('^%d+ %d+ (%d+) (%d+) (%d+)$')
  redis.call('HSET', record, 'run', '0 0 ' .. (gen or 0) .. ' ' .. (sent or 0) .. ' ' .. (entries or 0))
end
if #replayed > 0 then
  redis.call('RPUSH', active, unpack(replayed))
  redis.call('HINCRBY', stats, 'replayed', #replayed)
  wake(signal)
end
return replayed
