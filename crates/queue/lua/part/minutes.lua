-- Minute counts: one STRING, a ring of a record for each minute of the last day, for charts and for `queues`. Written once per
-- settled batch. Numbers are big-endian, of 4 bytes each but for the second:
--   the minute, since the epoch: a record of another one is as good as none
--   8 bytes  how many jobs had ever been enqueued when it began (`enqueued` of stats): the difference to the next one is what
--            came in between, so that an enqueue writes nothing here
--   completed, failed (attempts that are made again), dead, cancelled
--   12 how long jobs waited for their first run, and 12 how long runs took: so many below 10 ms, 32 ms, 100 ms, 316 ms and so
--   on, by half powers of ten, up to 316 s and 1000 s, and the rest
--   calls of the queue's own provider: how many, how many it answered, how many it did not; and the same of its fallback
local MINUTE = { bytes = 148, ring = 1440, completed = 12, failed = 16, dead = 20, cancelled = 24, waited = 28, ran = 76, p = 124, f = 136 }

-- count_minute(minutes, stats, counts): adds to this minute's record. counts: {place in the record = how many, …}. Nothing
-- that a key of another type could spoil: it is begun anew.
local function count_minute(minutes, stats, counts)
  local minute = math.floor(now / 60000)
  local from = minute % MINUTE.ring * MINUTE.bytes
  local function add()
    local command = { 'BITFIELD', minutes, 'GET', 'u32', from * 8, 'OVERFLOW', 'SAT' }
    for place, n in pairs(counts) do
      for _, part in ipairs({ 'INCRBY', 'u32', (from + place) * 8, n }) do command[#command + 1] = part end
    end
    local answer = redis.pcall(unpack(command))
    return answer[1]
  end
  if add() == minute then return end
  local enqueued = tonumber(tried('HGET', stats, 'enqueued') or nil) or 0
  local begun = struct.pack('>I4I8', minute, enqueued) .. string.rep('\0', MINUTE.bytes - 12)
  write_or_replace('SETRANGE', minutes, from, begun)
  add()
end

-- count_settled(minutes, stats, times, counts, calls): of a settled batch: counts by name, how long its jobs waited and ran, and
-- what their calls came to (part/answers.lua).
local function count_settled(minutes, stats, times, counts, calls)
  local places, any = {}, false
  for which, called, answered, failed in calls:gmatch('([pf]):(%d+):(%d+):(%d+):') do
    local from = MINUTE[which]
    places[from], places[from + 4], places[from + 8], any = called, answered, failed, true
  end
  for name, n in pairs(counts) do
    if n > 0 then places[MINUTE[name]], any = n, true end
  end
  if not any then return end
  for what, step, n in times:gmatch('(%a)(%d+):(%d+)') do
    places[(what == 'w' and MINUTE.waited or MINUTE.ran) + 4 * step] = n
  end
  count_minute(minutes, stats, places)
end
