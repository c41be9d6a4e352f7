-- Removes named dead letters for good (part/discard.lua).
--
-- KEYS  1 dead  2 letters  3 groups  4 records  5 data  6 stats  7 audit  8 lane; then idempotency keys
-- ARGV  1 by whom  2 why  3 act ("" = none)  4 what is discarded, for the audit ("" = name them)
--       5 how long completed jobs are kept, in ms; then how many idempotency keys are passed, and each, "<kind>:<key>"; then
--         which: "ids", then the ids; "same", then ids and times of death in seconds: only those that have not lived
--         since. At most 1000 letters.
-- Returns {"gone", {id, …}}; or, where letters have keys that were not passed, {"keys", {"<kind>:<key>", …}}: then nothing was done
-- Parts: now, write_or_replace, record, groups, header, audit, letters, bring_out, key, discard
local dead, letters, groups, records, data, stats, log, lane = unpack(KEYS)
local k = { dead = dead, letters = letters, groups = groups, records = records, data = data, stats = stats, lane = lane }
local given, at = given_keys(9, 6)
local discarded
if ARGV[at] == 'ids' then
  discarded = named(dead, { unpack(ARGV, at + 1) })
else
  discarded = {}
  for i = at + 1, #ARGV, 2 do
    local died = redis.call('ZSCORE', dead, ARGV[i])
    if died and tonumber(died) == tonumber(ARGV[i + 1]) then discarded[#discarded + 1] = ARGV[i] end
  end
end
if #discarded == 0 then return { 'gone', discarded } end
local missing = discard(k, discarded, given, ARGV[5], false, function() may_audit(log) end)
if missing then return { 'keys', missing } end
audit(log, {
  act = ARGV[3] ~= '' and ARGV[3], by = ARGV[1], action = 'discard', reason = ARGV[2], count = #discarded,
  target = ARGV[4] ~= '' and ARGV[4] or list(discarded),
})
return { 'gone', discarded }
