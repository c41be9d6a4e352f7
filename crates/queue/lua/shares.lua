-- What waits to run, by priority; and of what waits in lanes, whose it is. Where more wait there than are looked at, as many are
-- looked at in each of some places, from the first to be claimed to the last.
--
-- KEYS  1 active  2 lanes  3 lane
-- ARGV  1 in how many places  2 how many at each
-- Returns {how many in active, of high, normal, low priority in lanes, how many were looked at, lane, how many of those, …}
-- Parts: now, write_or_replace, record, lanes
local k = { active = KEYS[1], lanes = KEYS[2], lane = KEYS[3] }
local places, each = tonumber(ARGV[1]), tonumber(ARGV[2])
local limits = lanes_in(k).limits
local answer = { tried('LLEN', k.active) or 0 }
for _, band in ipairs({ 'h', 'n', 'l' }) do
  answer[#answer + 1] = tried('ZCOUNT', k.lanes, limits[band][1], limits[band][2]) or 0
end
local all, looked, counts = tried('ZCARD', k.lanes) or 0, 0, {}
if all <= places * each then places, each = 1, all end
for n = 0, places - 1 do
  local first = math.floor((all - each) * n / math.max(1, places - 1))
  local ids = each > 0 and tried('ZRANGE', k.lanes, first, first + each - 1) or {}
  -- Many at once are more than Lua can hand on.
  for from = 1, #ids, 1000 do
    local lanes = tried('HMGET', k.lane, unpack(ids, from, math.min(from + 999, #ids))) or {}
    for _, lane in ipairs(lanes) do
      -- Somebody else may have written there.
      if lane then counts[lane] = (counts[lane] or 0) + 1 end
    end
  end
  looked = looked + #ids
end
answer[#answer + 1] = looked
for lane, count in pairs(counts) do
  answer[#answer + 1] = lane
  answer[#answer + 1] = count
end
return answer
