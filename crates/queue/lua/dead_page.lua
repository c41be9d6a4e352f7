-- A page of dead letters in the order of their deaths, whole: for going through all of them, however many, a bounded
-- number of letters and bytes a call.
--
-- KEYS  1 dead  2 groups  3 records  4 data  5 letters  6 deliveries
-- ARGV  1 time of death of the letter to go on after, in seconds ("" = from the first)  2 its id  3 cut-off, time of death
--       in seconds  4 how many at the most  5 group ("" = all)
-- Returns {id, time of death in seconds, what stands of its group (part/growth.lua) or false, what stands of it in data, its length
--          where it is too large, or false, record, packed, or false, delivery of its message in JSON or false, …}; nothing when through
-- Parts: now, write_or_replace, record, groups, header, value, place, following, delivery_of
local dead, groups, records, data, letters, deliveries = unpack(KEYS)
local of = ARGV[5] ~= '' and ARGV[5] or nil
local ids, last = following(dead, letters, of, ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]))
local answer, bytes = {}, 0
for _, id in ipairs(ids) do
  local packed, value = tried('HGET', records, id), value_of(data, id)
  local record = unpacked(packed)
  local group = group_of(record)
  bytes = bytes + (packed and #packed or 0) + (type(value) == 'string' and #value or 0)
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('ZSCORE', dead, id) or last
  answer[#answer + 1] = group and tried('HGET', groups, group) or false
  answer[#answer + 1] = value
  answer[#answer + 1] = packed
  answer[#answer + 1] = delivery_of(deliveries, record)
  if bytes > 1048576 then break end
end
return answer
