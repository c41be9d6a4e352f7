-- Named dead letters back to pending, attempts reset, history kept. Idempotent: what is not dead is left alone.
--
-- KEYS  1 dead  2 groups  3 records  4 data  5 active  6 stats  7 idle  8 audit  9 lanes  10 lane  11 tenants
--       12 turns  13 letters
-- ARGV  1 by whom  2 why  3 "fresh": each gets its time again, or ""; then the ids, at most 1000
-- Returns {id, …} of those that are pending now
local replayed = named(KEYS[1], { unpack(ARGV, 4) })
if #replayed > 0 then
  may_audit(KEYS[8])
  local keys = {
    dead = KEYS[1], groups = KEYS[2], records = KEYS[3], data = KEYS[4], active = KEYS[5], stats = KEYS[6], idle = KEYS[7],
    lanes = KEYS[9], lane = KEYS[10], tenants = KEYS[11], turns = KEYS[12], letters = KEYS[13],
  }
  replayed = revive(keys, replayed, { by = ARGV[1], reason = ARGV[2], fresh = ARGV[3] == 'fresh' })
end
if #replayed > 0 then
  audit(KEYS[8], {
    by = ARGV[1], action = 'replay', target = list(replayed), reason = ARGV[2], count = #replayed,
    result = ARGV[3] == 'fresh' and 'fresh expiry' or '',
  })
end
return replayed
