-- Entries of the waiting list whose jobs are elsewhere: cancelled, put off until later, or told by a worker to a Redis that forgot.
-- To take one out of a list of a million at once costs milliseconds, so it stays there until a claim comes to it. `left` of the
-- timeline counts them (part/timeline.lua): while there is none, nobody looks. An entry is passed over only if its job is
-- found elsewhere, so a count that is wrong loses no job.

-- So many entries are looked through in one go.
local LOOK_THROUGH = 300

-- elsewhere(k, ids): for each of these, at most 1000, whether its job is found elsewhere. k: {inflight, records, scheduled,
-- parked, completions, data}
local function elsewhere(k, ids)
  local gone = {}
  if #ids == 0 then return gone end
  local owners = redis.call('HMGET', k.inflight, unpack(ids))
  local known = redis.call('HMGET', k.records, unpack(ids))
  local due = redis.call('ZMSCORE', k.scheduled, unpack(ids))
  local parked = tried('ZMSCORE', k.parked, unpack(ids)) or {}
  local completed = tried('HMGET', k.completions, unpack(ids)) or {}
  for n, id in ipairs(ids) do
    gone[n] = owners[n] or due[n] or parked[n] or completed[n] or false
    if not gone[n] then
      if known[n] then
        gone[n] = unpacked(known[n])['end'] ~= nil
      else
        gone[n] = redis.call('HEXISTS', k.data, id) == 0
      end
    end
  end
  return gone
end

-- waiting_ids(k, left, want): the first ids of the waiting list whose jobs wait there, at most so many; and, where entries are to be
-- passed over, the place in the list of each of them, with `through`: up to where nothing else waits. k also has active.
local function waiting_ids(k, left, want)
  if left <= 0 then return redis.call('LRANGE', k.active, 0, want - 1) end
  local entries = redis.call('LRANGE', k.active, 0, math.max(want, LOOK_THROUGH) - 1)
  local gone = elsewhere(k, entries)
  local ids, places, seen = {}, { through = #entries }, {}
  for n, id in ipairs(entries) do
    -- One that was put off and is due again stands there twice.
    if not gone[n] and not seen[id] then
      if #ids == want then
        places.through = n - 1
        break
      end
      seen[id] = true
      ids[#ids + 1] = id
      places[#ids] = n
    end
  end
  return ids, places
end

-- passed_over(k, timeline, left, passed): counts that so many entries are not there any more.
local function passed_over(k, timeline, left, passed)
  if passed >= left or redis.call('EXISTS', k.active) == 0 then
    redis.call('HDEL', timeline, 'left')
  elseif passed > 0 then
    redis.call('HINCRBY', timeline, 'left', -passed)
  end
end
