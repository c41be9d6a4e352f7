-- Removes dead letters for good.
--
-- KEYS  1 dead  2 the letters to choose from (all or one group's)  3 groups  4 meta (prefix)  5 data  6 stats
-- ARGV  1 "ids" or "selected"; then the ids, at most 1000, or the cut-off: time of death in seconds
-- Returns {id, …} of those that are gone now
local dead, selected, groups, meta, data, stats = unpack(KEYS)
local ids = nil
if ARGV[1] == 'ids' then ids = { unpack(ARGV, 2) } end
local discarded = letters(dead, ids, selected, ARGV[2])
for _, id in ipairs(discarded) do
  bring_out(dead, groups, meta, id)
  redis.call('HDEL', data, id)
  redis.call('DEL', meta .. ':' .. id)
end
if #discarded > 0 then redis.call('HINCRBY', stats, 'discarded', #discarded) end
return discarded
