-- Waiting jobs that are not all alike. What is normal and has no tenant waits in the list `active`. All others wait in one
-- sorted set, `lanes`, in three bands: high, normal, low. Within a band each has a virtual time, and the lowest is next. A
-- tenant's next job comes one after its last one, or one after what was claimed last in its band, whichever is later: so
-- tenants take turns, those of one tenant keep their order, and one that comes late neither waits for what the others had
-- before nor is paid for it. The list counts as one more tenant of the normal band.
-- k describes where all that is: {active =, lanes =, lane =, tenants =, turns =} (keys.rs).

-- lanes_in(k): what is done with lanes, as functions: made only where a job has one, since most queues have none.
local function lanes_in(k)
  -- Where each band begins, and its limits. Virtual times begin at 1 and go up by one: they never fill a band.
  local base = { h = 0, n = 1125899906842624, l = 2251799813685248 }
  local limits = {
    h = { '-inf', '(1125899906842624' }, n = { '1125899906842624', '(2251799813685248' }, l = { '2251799813685248', '+inf' },
  }
  local names = { 'h', 'n', 'l', 'list', 'turn', 'high' }
  local self = { base = base, limits = limits }

  -- A virtual time as it stands there, or nil where that is none.
  function self.virtual(text)
    local at = tonumber(text or nil)
    return at and at >= 1 and at < 562949953421312 and at or nil
  end
  local virtual = self.virtual

  -- How it stands in a sorted set.
  function self.score(band, time) return string.format('%.1f', base[band] + time) end

  -- Up to which virtual time each band has been claimed (h, n, l) and the list has (list); how many were claimed (turn); when
  -- a job of high priority was enqueued last, in ms (high). What is lost, or was written over, is told by what waits.
  function self.turns()
    local known, turns = tried('HMGET', k.turns, unpack(names)) or {}, {}
    for n, name in ipairs(names) do turns[name] = virtual(known[n]) end
    for band, of in pairs(limits) do
      if not turns[band] then
        local head = tried('ZRANGEBYSCORE', k.lanes, of[1], of[2], 'WITHSCORES', 'LIMIT', 0, 1) or {}
        turns[band] = virtual(head[2] and math.floor(head[2] - base[band] - 1)) or 1
      end
    end
    turns.list, turns.turn = turns.list or 1, turns.turn or 0
    return turns
  end

  -- Those of these jobs that wait in the list; and those that have a lane, "<h, n or l><tenant>", with it.
  function self.sort(ids)
    local of = tried('HMGET', k.lane, unpack(ids)) or {}
    local listed, laned, lanes = {}, {}, {}
    for n, id in ipairs(ids) do
      -- Somebody else may have written there.
      if of[n] and base[of[n]:sub(1, 1)] then
        laned[#laned + 1] = id
        lanes[#lanes + 1] = of[n]
      else
        listed[#listed + 1] = id
      end
    end
    return listed, laned, lanes
  end

  -- Jobs, at most 1000, to the end of their lanes. Returns whether one is of high priority.
  function self.join(ids, lanes)
    local turns = self.turns()
    local each, last, rows, ends, high = {}, {}, {}, {}, false
    for _, lane in ipairs(lanes) do
      if not last[lane] then
        last[lane] = true
        each[#each + 1] = lane
      end
    end
    local known = tried('ZMSCORE', k.tenants, unpack(each)) or {}
    for n, lane in ipairs(each) do
      local band = lane:sub(1, 1)
      last[lane] = math.max(turns[band], virtual(known[n] and known[n] - base[band]) or 1)
      high = high or band == 'h'
    end
    for n, id in ipairs(ids) do
      local lane = lanes[n]
      last[lane] = last[lane] + 1
      rows[#rows + 1] = self.score(lane:sub(1, 1), last[lane])
      rows[#rows + 1] = id
    end
    for _, lane in ipairs(each) do
      ends[#ends + 1] = self.score(lane:sub(1, 1), last[lane])
      ends[#ends + 1] = lane
    end
    redis.call('ZADD', k.lanes, unpack(rows))
    write_or_replace('ZADD', k.tenants, unpack(ends))
    if high then write_or_replace('HSET', k.turns, 'high', stamp) end
    return high
  end

  -- The same to the head: they have been claimed before.
  function self.join_first(ids, lanes)
    local turns, rows, high = self.turns(), {}, false
    for n, id in ipairs(ids) do
      local band = lanes[n]:sub(1, 1)
      high = high or band == 'h'
      -- Before all that waits, since that comes after what was claimed last, or with it.
      rows[#rows + 1] = self.score(band, turns[band] - 0.5)
      rows[#rows + 1] = id
    end
    redis.call('ZADD', k.lanes, unpack(rows))
    return high
  end

  return self
end

-- line_up(k, ids, first): jobs, at most 1000, to the end of where they wait, or to its head. Returns whether one is of high
-- priority.
local function line_up(k, ids, first)
  if #ids == 0 then return false end
  local listed, high = ids, false
  if tried('EXISTS', k.lane) == 1 then
    local lanes = lanes_in(k)
    local others, laned, of = lanes.sort(ids)
    if #laned > 0 then
      local joined, found = pcall(first and lanes.join_first or lanes.join, laned, of)
      -- Where that cannot be written, they wait as those without a lane do.
      if joined then listed, high = others, found end
    end
  end
  if #listed > 0 then redis.call(first and 'LPUSH' or 'RPUSH', k.active, unpack(listed)) end
  return high
end
