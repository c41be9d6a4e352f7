-- Removes dead letters for good. One that was surely never carried out leaves its idempotency key free; of one that may have
-- been, the key stays for its time.
--
-- KEYS  1 dead  2 letters  3 groups  4 records  5 data  6 stats  7 audit  8 lane; then idempotency keys
-- ARGV  1 by whom  2 why  3 act ("" = none)  4 what is discarded, for the audit ("" = name them)
--       5 how long completed jobs are kept, in ms; then how many idempotency keys are passed, and each, "<kind>:<key>"; then
--         which: "ids", then the ids; "same", then ids and times of death in seconds: only those that have not lived
--         since; "selected", then the cut-off, time of death in seconds, and the group ("" = all). At most 1000 letters.
-- Returns {"gone", {id, …}}; or, where letters have keys that were not passed, {"keys", {"<kind>:<key>", …}}: then nothing was done
local dead, letters, groups, records, data, stats, log, lane = unpack(KEYS)
local given, at = given_keys(9, 6)

-- in_group(group, members): the ids of those of a group's letters that are dead. What else stands there is a ghost, and
-- is removed.
local function in_group(group, members)
  local ids = read_letters(group, members)
  local found = named(dead, ids)
  if #found == #ids then return found end
  local there, ghosts = {}, {}
  for _, id in ipairs(found) do there[id] = true end
  for n, id in ipairs(ids) do
    if not there[id] then ghosts[#ghosts + 1] = members[n] end
  end
  if #ghosts > 0 then redis.call('ZREM', letters, unpack(ghosts)) end
  return found
end

local discarded
if ARGV[at] == 'ids' then
  discarded = named(dead, { unpack(ARGV, at + 1) })
elseif ARGV[at] == 'same' then
  discarded = {}
  for i = at + 1, #ARGV, 2 do
    local died = redis.call('ZSCORE', dead, ARGV[i])
    if died and tonumber(died) == tonumber(ARGV[i + 1]) then discarded[#discarded + 1] = ARGV[i] end
  end
elseif ARGV[at + 2] == '' then
  discarded = redis.call('ZRANGEBYSCORE', dead, '-inf', ARGV[at + 1], 'LIMIT', 0, 1000)
else
  local from, till = range_of(ARGV[at + 2], nil, ms_of(ARGV[at + 1]))
  discarded = in_group(ARGV[at + 2], redis.call('ZRANGE', letters, from, till, 'BYLEX', 'LIMIT', 0, 1000))
end
if #discarded == 0 then return { 'gone', discarded } end
local key_of, wanted = {}, {}
for n, id in ipairs(discarded) do
  local before = header(redis.call('HGET', data, id))
  key_of[n] = before and before.key
  wanted[#wanted + 1] = key_of[n]
end
local missing = missing_keys(given, wanted)
if #missing > 0 then return { 'keys', missing } end
may_audit(log)
-- Asked before any is taken out: a letter that is in no list could not be discarded again.
redis.call('HLEN', data)
local known = records_of(records, discarded)
bring_out(dead, groups, letters, known, discarded, ARGV[at] == 'selected')
for n, id in ipairs(discarded) do
  local name = given[key_of[n]]
  if name and sent_of(known[n], data, id) == 0 then
    free_key(name, id)
  elseif name then
    end_key(name, id, ARGV[5])
  end
end
redis.call('HDEL', data, unpack(discarded))
redis.call('HDEL', records, unpack(discarded))
redis.pcall('HDEL', lane, unpack(discarded))
count(stats, 'discarded', #discarded)
audit(log, {
  act = ARGV[3] ~= '' and ARGV[3], by = ARGV[1], action = 'discard', reason = ARGV[2], count = #discarded,
  target = ARGV[4] ~= '' and ARGV[4] or list(discarded),
})
return { 'gone', discarded }
