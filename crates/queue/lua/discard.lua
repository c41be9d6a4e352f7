-- Removes dead letters for good.
--
-- KEYS  1 dead  2 the letters to choose from (all or one group's)  3 groups  4 meta (prefix)  5 data  6 stats  7 audit
-- ARGV  1 by whom  2 why  3 act ("" = none)  4 what is discarded, for the audit ("" = name them)
--       5 which: "ids", then the ids; "same", then ids and times of death in seconds: only those that have not lived
--         since; "selected", then the cut-off, time of death in seconds. At most 1000 letters.
-- Returns {id, …} of those that are gone now
local dead, selected, groups, meta, data, stats, log = unpack(KEYS)
local discarded
if ARGV[5] == 'ids' then
  discarded = named(dead, { unpack(ARGV, 6) })
elseif ARGV[5] == 'same' then
  discarded = {}
  for i = 6, #ARGV, 2 do
    local died = redis.call('ZSCORE', dead, ARGV[i])
    if died and tonumber(died) == tonumber(ARGV[i + 1]) then discarded[#discarded + 1] = ARGV[i] end
  end
else
  discarded = redis.call('ZRANGEBYSCORE', selected, '-inf', ARGV[6], 'LIMIT', 0, 1000)
end
if #discarded == 0 then return discarded end
bring_out(dead, groups, meta, discarded)
redis.call('HDEL', data, unpack(discarded))
local records = {}
for n, id in ipairs(discarded) do records[n] = meta .. ':' .. id end
redis.call('DEL', unpack(records))
redis.call('HINCRBY', stats, 'discarded', #discarded)
audit(log, {
  act = ARGV[3] ~= '' and ARGV[3], by = ARGV[1], action = 'discard', reason = ARGV[2], count = #discarded,
  target = ARGV[4] ~= '' and ARGV[4] or list(discarded),
})
return discarded
