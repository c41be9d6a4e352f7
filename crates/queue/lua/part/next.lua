-- Which of the waiting jobs are claimed next (part/lanes.lua). Those of high priority come first, then normal ones, then low
-- ones. But of ten places in a row one is for a normal job and one for a low one, where such wait: no flood of others keeps
-- them out. These two are not next to each other, so that a job of high priority is always among the next two.

-- For so long after a job of high priority, workers keep a place for the next.
local HIGH_LATELY = 86400000

-- look_at_lanes(k): nil where no job waits in a lane and none of high priority was enqueued within a day; else functions:
-- choose, leave; and {wait = whether jobs wait in lanes, keeps = whether a worker keeps its last free place for those of
-- high priority}.
local function look_at_lanes(k)
  local lanes = lanes_in(k)
  local base, limits, virtual = lanes.base, lanes.limits, lanes.virtual
  local wait, turns = tried('EXISTS', k.lanes) == 1, lanes.turns()
  -- One that is to come was noted before the clock was set back.
  local keeps = turns.high ~= nil and turns.high <= now and now - turns.high < HIGH_LATELY
  if not wait and not keeps then
    redis.call('DEL', k.turns, k.tenants)
    return nil
  end
  local places, usual = { [4] = { 'n', 'h', 'l' }, [9] = { 'l', 'h', 'n' } }, { 'h', 'n', 'l' }
  local self = { wait = wait, keeps = keeps }

  -- The next jobs, at most so many, each {id, band, its virtual time, whether it stands in the list}. waiting: so many from
  -- the head of the list. last: the last place is kept for one of high priority.
  function self.choose(waiting, want, last)
    local heads, at, chosen = {}, { h = 1, n = 1, l = 1 }, {}
    for band, of in pairs(limits) do
      heads[band] = wait and tried('ZRANGEBYSCORE', k.lanes, of[1], of[2], 'WITHSCORES', 'LIMIT', 0, want) or {}
    end
    local claimed, list, listed = turns.n, turns.list, 0
    local function next_of(band)
      local id, score = heads[band][at[band]], tonumber(heads[band][at[band] + 1])
      local time = id and virtual(score - base[band]) or 1
      if band == 'n' then
        local turn = math.max(claimed, list) + 1
        if waiting[listed + 1] and (not id or turn <= time) then
          listed, list, claimed = listed + 1, turn, turn
          return { waiting[listed], band, turn, true }
        end
        if id then claimed = math.max(claimed, time) end
      end
      if not id then return nil end
      at[band] = at[band] + 2
      return { id, band, time, false }
    end
    while #chosen < want do
      local found
      if last and #chosen == want - 1 then
        found = next_of('h')
      else
        for _, band in ipairs(places[(turns.turn + #chosen) % 10] or usual) do
          found = next_of(band)
          if found then break end
        end
      end
      if not found then break end
      chosen[#chosen + 1] = found
    end
    return chosen
  end

  -- These jobs were claimed: from now on they are out of their lanes.
  function self.leave(chosen)
    local ids, touched = {}, {}
    for _, job in ipairs(chosen) do
      local id, band, time, listed = unpack(job)
      turns[band] = math.max(turns[band], time)
      if listed then
        turns.list = time
      else
        ids[#ids + 1] = id
        touched[band] = true
      end
    end
    if not wait then return end
    if #ids > 0 then redis.call('ZREM', k.lanes, unpack(ids)) end
    local fields = { 'turn', (turns.turn + #chosen) % 10 }
    for _, name in ipairs({ 'h', 'n', 'l', 'list' }) do
      fields[#fields + 1] = name
      fields[#fields + 1] = string.format('%.1f', turns[name])
    end
    write_or_replace('HSET', k.turns, unpack(fields))
    -- Of whom nothing waits, nothing need be known: of a tenant whose last job was claimed, and of all once nobody waits.
    if tried('EXISTS', k.lanes) == 0 then
      self.wait = false
      redis.call('UNLINK', k.tenants)
      return
    end
    for band in pairs(touched) do
      local over = tried('ZRANGEBYSCORE', k.tenants, limits[band][1], lanes.score(band, turns[band]), 'LIMIT', 0, 10 + #chosen)
      if over and #over > 0 then redis.call('ZREM', k.tenants, unpack(over)) end
    end
  end

  -- Whether one of high priority waits.
  function self.high_waits()
    return self.wait and (tried('ZCOUNT', k.lanes, limits.h[1], limits.h[2]) or 0) > 0
  end

  return self
end

-- wake_next(k, idle, in_lanes): wakes somebody for what still waits, if anything does. Returns whether it does.
local function wake_next(k, idle, in_lanes)
  if (tried('EXISTS', k.active, k.lanes) or 0) == 0 then return false end
  wake(idle, in_lanes ~= nil and in_lanes.high_waits())
  return true
end
