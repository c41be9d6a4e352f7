-- Takes waiting jobs for a worker, as many as it has free slots and never more. Nothing is written per job: that
-- a job runs is what the in-flight hash says, and attempts are counted when they are settled.
--
-- KEYS  1 active  2 scheduled  3 retryable  4 data  5 records  6 inflight  7 workers  8 gate  9 idle
--       10 limits  11 breakers  12 completions  13 stats  14 timeline  15 reach  16 parked  17 kinds  18 sought
--       19 worker facts  20 lanes  21 lane  22 tenants  23 turns  24 parked kinds
-- ARGV  1 worker  2 claim token  3 free slots, at most 1000  4 how many may run in the whole fleet (0 = any)
--       5 provider ("" = none)  6 its limiter: ms between calls (0 = none)  7 calls it may run ahead
--       8 its breaker: how long a probe may take in ms (0 = no breaker)
--       9 version of its credentials
--       10 what the caller remembers of the timeline (part/timeline.lua)  11 how long a new timeline holds claims, in ms
--       12 what the worker does not reach at present: p the provider, f the fallback
--       13 in how many ms the caller would look again by itself (0 = it would not)
--       14 the channel that it listens on while it has slots free ("" = it listens on none)
--       15 "several" if the worker has more than one slot: then it keeps its last free one for jobs of high priority, where
--       there have been some
--       16 the fallback, that jobs go to while that breaker is open ("" = none, and nothing follows); the same of it:
--       17 ms between calls  18 calls it may run ahead  19 how long a probe may take  20 version of its credentials
-- Returns {state, now, next due time in seconds or false, ids, values, records, completed, until in ms, route, epoch, timeline, seq,
--         look in}
--         state: ok, lost (the worker has no lease: it must join again), forgot (Redis forgot, or another timeline has
--                begun: the caller must say what it remembers before it claims), or what holds claims back, until when:
--                recovering (a new timeline), checking (another process of Redis), paused (by an operator), refused (its credentials), held (it said when to
--                come back), open (its breaker), limited, away (others reach the provider, this
--                worker does not); or kept: jobs wait, and the slot that is left is kept for those of high priority
--         route: primary, or probe: the one job whose call decides whether the others may go on; fallback and
--                fallback_probe likewise. What is claimed for the fallback has an `f` behind its token, so that one who
--                takes it over knows where it may have been sent
--         epoch: of that provider's breaker; goes back with the call's verdict
--         values: what stands of each in data (part/header.lua); false where there is none; for one that is too large its
--                length, as a number
--         records: of each, packed (part/record.lua), or false; none at all where none of them has one
--         completed: the places of those, from 1, that had completed before: their ids were listed twice
--         look in: in how many ms the caller has to look again by itself, since jobs come so fast that until then nobody is woken
--               for them; 0 = it need not
local active, scheduled, retryable, data, records, inflight, workers, gate, idle, limits, breakers, completions, stats, timeline, reach = unpack(KEYS)
local k = { active = active, lanes = KEYS[20], lane = KEYS[21], tenants = KEYS[22], turns = KEYS[23] }
local slots, token = tonumber(ARGV[3]), ARGV[2]
local want = slots
local function described(at, suffix)
  return {
    name = ARGV[at], suffix = suffix, interval = tonumber(ARGV[at + 1]), burst = tonumber(ARGV[at + 2]),
    lease = tonumber(ARGV[at + 3]), version = ARGV[at + 4],
  }
end
local p, route = described(5, ''), 'primary'
-- Redis keeps a small hash as a list, and searches that from its head for each field: slow, with a hundred jobs running.
-- A field of more than 64 bytes makes a table of it, for as long as it lives.
local long = string.rep('-', 65)

local due = false
local t = on_timeline(timeline, workers, ARGV[10], tonumber(ARGV[11]))

-- Of a worker that has slots free it is noted how many, so that it is woken for what comes next; one that has none, or looks
-- again by itself, is woken for nothing. A slot that is kept for jobs of high priority counts as half of one (part/wake.lua).
local keeps = false
local function listens(free)
  if ARGV[14] == '' then return end
  if free > 0 then
    write_or_replace('ZADD', idle, keeps and free == 1 and 0.5 or free, ARGV[14])
  else
    redis.pcall('ZREM', idle, ARGV[14])
  end
end
local function none(state, till)
  -- What is limited comes back by itself.
  listens(state == 'limited' and 0 or slots)
  return { state, now, due, {}, {}, {}, {}, till or 0, route, p.epoch or 0, t.nonce, t.seq, 0 }
end

-- Where Redis forgot, it may have forgotten the lease as well: until the hold is over, that is no loss of it.
local joined = redis.call('ZSCORE', workers, ARGV[1])
if t.news and (joined or t.till > 0) then return none('forgot', t.till) end
if not joined then return none('lost') end
go_on(t)
if t.till > 0 then return none('recovering', t.till) end
local checking = t.check > 0 and still_checking(t, workers)
if checking then return none('checking', checking) end
due = promote(scheduled, retryable, k)
local held = gate_of(gate, '')
if held[1] then return none('paused') end
local most = tonumber(ARGV[4])
if most > 0 then want = math.min(want, most - redis.call('HLEN', inflight)) end
if want <= 0 then return none('ok') end

p.interval, p.burst = slowed(p.interval, p.burst, held[6])
local state, till = held_back(p, held, breakers)
-- When the provider is asked again: until then its fallback takes the jobs, if it may be called.
local away_until, parked_until = false, 0
if state == 'open' and ARGV[16] ~= '' then
  away_until = till
  -- A probe that is under way may have its answer at any moment, and its lease is for one that has none.
  parked_until = p.breaker.state == 'half' and math.min(till, now + 1000) or till
  p, route = described(16, ':' .. ARGV[16]), 'fallback'
  held = gate_of(gate, p.suffix)
  p.interval, p.burst = slowed(p.interval, p.burst, held[6])
  state, till = held_back(p, held, breakers)
  if state then return none('open', math.min(till, away_until)) end
  token = token .. 'f'
end
if state then return none(state, till) end
-- What this worker does not reach it leaves to those who do. If nobody else is well, it may be the one to find out.
local missed = ARGV[12]:find(away_until and 'f' or 'p') ~= nil
if missed and (not p.probe or somebody_is_well(reach, workers, p.name, process_of(ARGV[1]))) then
  if redis.call('EXISTS', active, k.lanes) > 0 then wake(idle, true) end
  return none('away', now + 1000)
end
if p.probe then route, want = away_until and 'fallback_probe' or 'probe', 1 end

-- Where nothing is called, an operator can limit claims.
local limiter = p.name ~= '' and p.name or 'claims'
local ahead, calls
if p.interval > 0 then
  local free, till
  free, till, ahead = tokens(limits, limiter, p.interval, p.burst)
  if free == 0 then return none('limited', away_until and math.min(till, away_until) or till) end
  calls = free
  want = math.min(want, free)
end

-- From here to "Taken" everything is only looked at: where a key is of another type, nothing has been taken.
-- What was parked and this worker knows comes first: it has waited longest.
local parked, of_kinds, unparked = { parked = KEYS[16], of_kinds = KEYS[24], kinds = KEYS[17], sought = KEYS[18] }, {}, 0
local popped = {}
-- One command tells that there is nothing of all this, as is usual.
local others = redis.call('EXISTS', parked.sought, k.lanes, k.turns)
if others > 0 and redis.call('EXISTS', parked.sought) == 1 then
  others = others - 1
  popped, of_kinds = find_sought(parked, KEYS[19], ARGV[1], want)
  unparked = #popped
end
local lists = {
  active = active, inflight = inflight, records = records, scheduled = scheduled, parked = KEYS[16], completions = completions,
  data = data,
}
local in_lanes = others > 0 and look_at_lanes(k) or nil
keeps = in_lanes ~= nil and in_lanes.keeps and ARGV[15] == 'several'
local waiting, places = {}, nil
if unparked < want then waiting, places = waiting_ids(lists, t.left, want - unparked) end
-- Where all wait in the list, they are next as they stand there.
local last = keeps and want == slots
local chosen = in_lanes and in_lanes.choose(waiting, want - unparked, last)
if chosen then
  for _, job in ipairs(chosen) do popped[#popped + 1] = job[1] end
elseif unparked == 0 then
  popped = waiting
else
  for _, id in ipairs(waiting) do popped[#popped + 1] = id end
end
local function is_listed(i) return i > unparked and (not chosen or chosen[i - unparked][4]) end
local one_kept = last and #popped == want - 1
if #popped == 0 then
  take_sought(parked, of_kinds)
  if places and places.through > 0 and #waiting == 0 then
    -- All that it found is elsewhere.
    redis.call('LTRIM', active, places.through, -1)
    passed_over(lists, timeline, t.left, places.through)
  end
  local more = (places or one_kept) and redis.call('EXISTS', active, k.lanes) > 0
  if more then due = false end
  local answer = none(more and one_kept and 'kept' or 'ok')
  if more then wake_next(k, idle, in_lanes) end
  return answer
end

-- Of a long record what a run needs.
local function shortened(packed)
  local record, short = unpacked(packed), {}
  for _, name in ipairs({ 'run', 'end', 'op' }) do
    if record[name] and #record[name] <= 16384 then short[name] = record[name] end
  end
  return cmsgpack.pack(short)
end

-- Its record says that a request went to the provider, and not what became of it.
local function sent_to_primary(packed)
  local _, _, _, sent = run_of(unpacked(packed))
  return sent == 1
end

-- An id that is listed twice runs once: it is already running, or was a moment ago.
local owners = redis.call('HMGET', inflight, unpack(popped))
local known = redis.call('HMGET', records, unpack(popped))
local passed = 0
-- What is larger than a producer may push is buried unread, and one claim hands out a few MiB at the most. The rest stays
-- where it was, in order. So a few are read at a time, and from the first large one on the others are measured before.
local found, read, some_large = {}, 0, false
local function value_at(i)
  if some_large then return value_of(data, popped[i]) end
  if i > read then
    read = math.min(#popped, i + 3)
    local some = redis.call('HMGET', data, unpack(popped, i, read))
    for n = i, read do found[n] = some[n - i + 1] end
  end
  return found[i]
end
local many = #popped > 8
local ids, values, packed, seen, owned, later = {}, {}, {}, {}, many and { long, '' } or {}, {}
local room, taken, any = 4194304, #popped, false
for i, id in ipairs(popped) do
  if owners[i] or seen[id] then
    if is_listed(i) then passed = passed + 1 end
  else
    seen[id] = true
    if away_until and known[i] and sent_to_primary(known[i]) then
      -- Unknown is never failed over: it waits for the provider that may have it.
      later[#later + 1] = id
    else
      local value = value_at(i)
      local length = type(value) == 'number' and value or value and #value or 0
      if length > MOST_VALUE then
        value, some_large = length, true
      elseif length > room and #ids > 0 then
        taken = i - 1
        break
      else
        room = room - length
      end
      local n = #ids + 1
      ids[n], values[n], packed[n] = id, value, known[i]
      if known[i] then any = true end
      owned[#owned + 1] = id
      owned[#owned + 1] = token
    end
  end
end
local ended = #ids > 0 and tried('HMGET', completions, unpack(ids)) or {}

-- Taken: from here on nothing is read that has not been read before.
local rest = taken < #popped
if unparked > 0 then
  take_sought(parked, of_kinds)
  -- Of the parked ones that did not fit, those that come first in the waiting list are next.
  local before = {}
  for i = unparked, taken + 1, -1 do before[#before + 1] = popped[i] end
  line_up(k, before, true)
end
local listed = math.max(0, taken - unparked)
if chosen then
  while #chosen > listed do chosen[#chosen] = nil end
  listed = 0
  for _, job in ipairs(chosen) do listed = listed + (job[4] and 1 or 0) end
  in_lanes.leave(chosen)
end
local trimmed = places and (listed < #waiting and (places[listed] or 0) or places.through) or listed
if trimmed > 0 then redis.call('LTRIM', active, trimmed, -1) end
for _, id in ipairs(later) do redis.call('ZADD', scheduled, seconds(parked_until), id) end
if #later > 0 then due = due or seconds(parked_until) end
local completed = {}
if #ids > 0 then
  if p.interval > 0 then take(limits, limiter, p.interval, ahead, #ids) end
  if p.probe then probe(p, gate, breakers, 0) end
  if away_until then count(stats, 'by_fallback', #ids) end
  redis.call('HSET', inflight, unpack(owned))
  if many then redis.call('HDEL', inflight, long) end
  for i = 1, #ids do
    if ended[i] then
      passed = passed + 1
      completed[#completed + 1] = i
    end
    -- A run needs nothing that is long.
    if any and packed[i] and #packed[i] > 16384 then packed[i] = shortened(packed[i]) end
  end
end
if t.left > 0 then passed_over(lists, timeline, t.left, passed + trimmed - listed) end
-- With its calls used up, the next claim is of use when there is another.
local full_until = 0
if p.interval > 0 and #ids == calls then full_until = math.ceil(ahead + #ids * p.interval) end
-- Where jobs come one by one and fast, waking somebody for each costs more than the job itself. So one worker with slots to
-- spare looks again in a moment, and until then nobody is woken: it finds some together. It may come as much too late: others
-- that are woken meanwhile would take from it, and from each other.
local look_in = 0
if #ids > 0 then
  local since = now - tonumber((t.look or ''):match(' (%d+)$') or 0)
  local fast = since >= 0 and (since <= 1 or (#ids > 1 and since <= 5))
  if fast and #popped < want and not rest and full_until == 0 and route == 'primary' then look_in = tonumber(ARGV[13]) end
  redis.call('HSET', timeline, 'look', string.format('%.0f ', now + 2 * look_in) .. stamp)
end
listens(look_in > 0 and 0 or slots - #ids)
local more = (#popped == want or rest or places or one_kept) and wake_next(k, idle, in_lanes)
if more then due = false end
return { more and one_kept and 'kept' or 'ok', now, due, ids, values, any and packed or {}, completed, full_until, route, p.epoch, t.nonce, t.seq, look_in }
