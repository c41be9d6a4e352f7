-- Looks through payloads for those that other programs wrote and no worker has seen: they have no header.
--
-- KEYS  1 data
-- ARGV  1 cursor ("0" begins)
-- Returns {cursor to go on from, "0" = through, their ids}. A chunk is small, since a payload may have 256 KiB
-- Parts: header
local chunk = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 100)
local ids = {}
for i = 1, #chunk[2], 2 do
  if not header(chunk[2][i + 1]) then ids[#ids + 1] = chunk[2][i] end
end
return { chunk[1], ids }
