-- Looks through the jobs of one place, a step at a time.
--
-- KEYS  as part/waiting_keys.lua has them, then  1 completed
-- ARGV  1 place: pending, lanes, parked, scheduled, running, dead, completed, cancelled  2 cursor ("" begins)  3 how many at the most, up to 250
--       4 "lowest": of what has a time the earliest first, or ""  5 "look": a key of another type than that of the place hides
--       no others (part/homes.lua), or ""
-- Returns {cursor to go on from, "" = through, {id, where it is (part/homes.lua), record, packed, or false, what says that: its claim
--         token, its time of death or due time in seconds, its completion, since when it is parked in ms; or false, what stands of it in data,
--         its length where it is too large, or false, …}}. What is elsewhere by now is left out.
-- Parts: now, record, header, value, parked, homes, place, scan, waiting_keys
local place_name, cursor, n = ARGV[1], ARGV[2], tonumber(ARGV[3])
local walkers = {
  pending = { walk_list, k.active }, lanes = { walk_zset, k.lanes }, parked = { walk_zset, k.parked }, scheduled = { walk_zset, k.scheduled },
  running = { walk_hash, k.inflight }, dead = { walk_zset, k.dead }, completed = { walk_batches, more_key(1) },
  cancelled = { walk_batches, k.cancelled },
}
local walk, key = unpack(walkers[place_name])
local ids, cursors, through, next_cursor = walk(key, cursor, n, ARGV[4] == 'lowest')
if #ids == 0 then return { through and '' or next_cursor or '', {} } end
local values = values_of(k.data, ids)
local rows, bytes = {}, 0
for i, found in ipairs(homes(k, ids, ARGV[5] == 'look')) do
  local home, _, packed, says = unpack(found, 1, 4)
  local here = home == place_name or (place_name == 'scheduled' and home == 'retryable')
    or (place_name == 'lanes' and home == 'pending')
  if here then
    local value = values[i]
    for _, part in ipairs({ ids[i], home, packed, says, value }) do rows[#rows + 1] = part end
    bytes = bytes + (packed and #packed or 0) + (type(value) == 'string' and #value or 0)
  end
  if bytes > 1048576 and i < #ids then return { cursors[i], rows } end
end
return { through and '' or cursors[#ids], rows }
