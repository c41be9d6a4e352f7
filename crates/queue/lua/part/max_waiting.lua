-- How many jobs may wait in the queue, as its workers say (announce.lua). It stands in the timeline, of which an enqueue reads a
-- field anyway.

-- limits_of(timeline): what an enqueue reads there: {look, how many may wait or nil, how many stand in the list and are elsewhere}.
local function limits_of(timeline)
  local said = redis.pcall('HMGET', timeline, 'look', 'max_waiting', 'left')
  if said.err then return { false, nil, 0 } end
  return { said[1], tonumber(said[2] or nil), tonumber(said[3] or nil) or 0 }
end

-- is_full(keys, limits, more): how many wait and how many may, where so many more would be too many; else nil. keys: {active =,
-- scheduled =, lanes =}.
local function is_full(keys, limits, more)
  if not limits[2] or more == 0 then return nil end
  local waiting = redis.call('LLEN', keys.active) + redis.call('ZCARD', keys.scheduled) + (tried('ZCARD', keys.lanes) or 0)
  waiting = math.max(0, waiting - limits[3])
  return waiting + more > limits[2] and { waiting, limits[2] } or nil
end
