-- Removes dead letters for good. One that was surely never carried out leaves its idempotency key free; of one that may have
-- been, the key stays for its time.
--
-- KEYS  1 dead  2 the letters to choose from (all or one group's)  3 groups  4 records  5 data  6 stats  7 audit  8 idempotency (prefix)
--       9 lane
-- ARGV  1 by whom  2 why  3 act ("" = none)  4 what is discarded, for the audit ("" = name them)
--       5 how long completed jobs are kept, in ms
--       6 which: "ids", then the ids; "same", then ids and times of death in seconds: only those that have not lived
--         since; "selected", then the cut-off, time of death in seconds. At most 1000 letters.
-- Returns {id, …} of those that are gone now
local dead, selected, groups, records, data, stats, log, idempotency = unpack(KEYS)
local discarded
if ARGV[6] == 'ids' then
  discarded = named(dead, { unpack(ARGV, 7) })
elseif ARGV[6] == 'same' then
  discarded = {}
  for i = 7, #ARGV, 2 do
    local died = redis.call('ZSCORE', dead, ARGV[i])
    if died and tonumber(died) == tonumber(ARGV[i + 1]) then discarded[#discarded + 1] = ARGV[i] end
  end
else
  discarded = redis.call('ZRANGEBYSCORE', selected, '-inf', ARGV[7], 'LIMIT', 0, 1000)
end
if #discarded == 0 then return discarded end
may_audit(log)
-- Asked before any is taken out: a letter that is in no list could not be discarded again.
redis.call('HLEN', data)
local known = records_of(records, discarded)
bring_out(dead, groups, known, discarded)
for n, id in ipairs(discarded) do
  local before = header(redis.call('HGET', data, id))
  if before and before.key then
    if sent_of(known[n], data, id) == 0 then
      free_key(idempotency .. ':' .. before.key, id)
    else
      end_key(idempotency .. ':' .. before.key, id, ARGV[5])
    end
  end
end
redis.call('HDEL', data, unpack(discarded))
redis.call('HDEL', records, unpack(discarded))
redis.pcall('HDEL', KEYS[9], unpack(discarded))
count(stats, 'discarded', #discarded)
audit(log, {
  act = ARGV[3] ~= '' and ARGV[3], by = ARGV[1], action = 'discard', reason = ARGV[2], count = #discarded,
  target = ARGV[4] ~= '' and ARGV[4] or list(discarded),
})
return discarded
