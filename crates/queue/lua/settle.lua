-- Writes what became of jobs, one verdict each, only where the claim token still owns the job. What a verdict is
-- was decided before (decide.rs); here it is only carried out.
--
-- KEYS  1 inflight  2 active  3 scheduled  4 retryable  5 records  6 data  7 dead  8 groups  9 completed
--       10 completions  11 stats  12 idle  13 gate  14 breakers  15 operations  16 open replays  17 audit
--       18 letters  19 timeline  20 workers  21 reach  22 parked  23 kinds  24 sought
--       25 waiters  26 lanes  27 lane  28 tenants  29 turns  30 minutes  31 parked kinds
--       32 cancelled  33 notices; then idempotency keys: of completed jobs, and those that were missing
-- ARGV  1 keep completed jobs for ms  2 and up to bytes (0 = no cap)
--       3 provider ("" = none)  4 its breaker: failures to open (0 = no breaker)  5 window in ms (0 = in a row)
--       6 open for ms  7 version of its credentials  8–12 the same of its fallback
--       13 what the caller remembers of the timeline (part/timeline.lua)  14 how long a new timeline holds claims, in ms
--       15 how long they waited and ran, for the minute's counts: "w<step>:<jobs> r<step>:<jobs> …" (part/minutes.lua)
--       16 what their calls came to (part/answers.lua)
--       17 which ends the application is told of, words with spaces around each, or "" = of none (part/notices.lua); then, unless it is "", of how many
--       jobs it may be told, and four for each of them: job, kind, reason, code
--       then how many runs of replayed jobs report; then four for each of them: job, operation, word, cause
--       (part/replay_report.lua); then of how many jobs an idempotency key is passed, and each of these jobs;
--       then for each job, at most
--       256 jobs: id, claim token, what the call says of the provider ("" = nothing, else see part/call_report.lua), verdict, and
--       for the verdicts c and C two more: bytes kept, completion in JSON; for the others seven more:
--       wait in ms, run state ("" = as it is), number of the history entry (0 = none), history entry,
--       id of the group, its description (part/growth.lua: version, and what its letters have in common), why it was put back in JSON ("" = it was not)
--       verdict: c completed, C the same of a job that has a lane (part/lanes.lua)
--                r retryable, s scheduled: after the wait
--                k parked, since its kind is not known here: the group is the kind; after the wait where it cannot be parked
--                b back to the head of where it waits
--                d dead, in the group
--                r, s, k and b: where it is asked to stop (part/stop.lua), and was not sent or is forced, it is cancelled instead
--                a cancelled: its worker was asked to stop it, and did
--                x forget the claim: the job is settled already
-- Returns {when completed jobs are next due to be pruned in ms or 0, state, timeline, seq, place of each verdict whose token
--         is gone, from 1, …}
--         state: ok, or forgot: nothing was written, since Redis forgot, or another timeline has begun: the caller must say
--                what it remembers first; or keys: nothing was written, since idempotency keys are missing. Then of each the
--                job, and "<kind>:<key>"
local inflight, active, scheduled, retryable, records, data, dead, groups, completed, completions, stats, idle, gate, breakers, operations, open, log, letters, timeline, workers, reach = unpack(KEYS)
local parked = { parked = KEYS[22], of_kinds = KEYS[31], kinds = KEYS[23], sought = KEYS[24] }
local t = on_timeline(timeline, workers, ARGV[13], tonumber(ARGV[14]))
if t.news then return { 0, 'forgot', t.nonce, t.seq } end

local function described(at, suffix)
  return {
    name = ARGV[at], suffix = suffix, version = ARGV[at + 4],
    spec = { tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]) },
  }
end
local primary, fallback = described(3, ''), described(8, ':' .. ARGV[8])

-- What is to be done with all of a kind at once.
local answer, ids, places, ended, freed, back = { 0, 'ok', t.nonce, t.seq }, {}, {}, {}, {}, {}
local over, done, bytes, retried, returned, died, sought = {}, {}, 0, 0, 0, 0, false
local at, noted, notices = 18, {}, nil
if ARGV[17] ~= '' then
  notices = noticing(KEYS[33], timeline, ARGV[17], t.noticed)
  for _ = 1, tonumber(ARGV[18]) do
    noted[ARGV[at + 1]] = { kind = ARGV[at + 2], reason = ARGV[at + 3], code = ARGV[at + 4] }
    at = at + 4
  end
  at = at + 1
end
local reports, reported = nil, {}
at = at + 1
for _ = 1, tonumber(ARGV[at - 1]) do
  reports = reports or {}
  reports[ARGV[at]] = at
  at = at + 4
end
local key_of = {}
for key = 1, tonumber(ARGV[at]) do
  at = at + 1
  key_of[ARGV[at]] = KEYS[33 + key]
end
at = at + 1
local touched = {}
while at <= #ARGV do
  ids[#ids + 1] = ARGV[at]
  places[#places + 1] = at
  local completes = ARGV[at + 3] == 'c' or ARGV[at + 3] == 'C'
  if not completes then touched[#touched + 1] = ARGV[at] end
  at = at + (completes and 6 or 11)
end
local tokens = redis.call('HMGET', inflight, unpack(ids))
local record_by, written, marks, out_of_lanes, deaths, dead_again = {}, {}, {}, {}, {}, {}
if #touched > 0 then
  for n, record in ipairs(records_of(records, touched)) do record_by[touched[n]] = record end
end

-- The keys of jobs that may be cancelled here are asked for first: few are.
local missing = {}
for n, id in ipairs(ids) do
  local verdict, record = ARGV[places[n] + 3], record_by[id]
  if record and (record.stop or verdict == 'a') and not key_of[id] and tokens[n] == ARGV[places[n] + 1] then
    local value = value_of(data, id)
    local before = type(value) == 'string' and header(value)
    if before and before.key then
      missing[#missing + 1] = id
      missing[#missing + 1] = before.key
    end
  end
end
if #missing > 0 then return { 0, 'keys', t.nonce, t.seq, unpack(missing) } end
go_on(t)
answer[4] = t.seq

local stopped, emptied = { gone = {}, packed = {}, marks = {}, bytes = 0, notices = notices }, {}
local ends = {
  records = records, data = data, lane = KEYS[27], cancelled = KEYS[32], stats = stats, waiters = KEYS[25], minutes = KEYS[30],
  operations = operations,
}

-- Whether the job is cancelled, since it was asked to stop: then its record says so.
local function is_stopped(id, record, verdict, asked)
  if verdict ~= 'a' and not (asked and (verdict == 'r' or verdict == 's' or verdict == 'k' or verdict == 'b')) then return false end
  local sent = sent_of(record, data, id)
  if verdict ~= 'a' then
    if sent ~= 0 and not asked.force then return false end
    local used, lost, generation, _, entries = run_of(record)
    set_run(record, used, lost, generation, sent, entries + 1)
    add_history(record, entries + 1, cancelled_by(used, asked.by, asked.reason))
  end
  local value = value_of(data, id)
  add_cancelled(stopped, id, record, type(value) == 'string' and value or nil, sent, key_of[id], ARGV[1])
  return true
end

-- All verdicts but c: the record says what became of the job.
local function carry_out(id, verdict, wait, state, history, entry, group, description, put_back)
  local record = record_by[id]
  local asked, stop = stop_of(record), record.stop
  record.stop = nil
  if state ~= '' then record.run = state end
  if history > 0 then add_history(record, history, entry) end
  if is_stopped(id, record, verdict, asked) then return end
  if verdict ~= 'x' then record.stop_was = stop or record.stop_was end
  if verdict == 'r' then
    retried = retried + 1
    record.next = string.format('%.0f', now + wait)
    redis.call('ZADD', scheduled, seconds(now + wait), id)
    write_or_replace('SADD', retryable, id)
  elseif verdict == 's' then
    returned = returned + 1
    record.next = string.format('%.0f', now + wait)
    redis.call('ZADD', scheduled, seconds(now + wait), id)
  elseif verdict == 'k' then
    returned = returned + 1
    local done, known, since = park(parked, record, id, group)
    if done then
      record.parked = since
      if known then sought = true end
    else
      redis.call('ZADD', scheduled, seconds(now + wait), id)
    end
  elseif verdict == 'b' then
    returned = returned + 1
    back[#back + 1] = id
  elseif verdict == 'd' then
    died = died + 1
    over[#over + 1] = id
    note_letter(dead, letters, group, id)
    deaths[group] = { (deaths[group] and deaths[group][1] or 0) + 1, description }
    record['end'] = 'd' .. group
    if record.op then dead_again[record.op] = (dead_again[record.op] or 0) + 1 end
    record.op = nil
    if noted[id] then notice(notices, 'dead', 'job.dead', id, noted[id]) end
  end
  if put_back ~= '' then record.back = stamp .. ' ' .. put_back end
  -- What was put back is counted, with the last reason, and not listed: that may go on for days.
  local waits = history == 0 and (verdict == 'r' or verdict == 's')
  if waits or put_back ~= '' then record.waits = string.format('%.0f', (tonumber(record.waits) or 0) + 1) end
  if next(record) ~= nil then
    -- Without a word of earlier runs nothing is missed if it is lost.
    written[id] = record.run ~= nil
    written[#written + 1] = id
    written[#written + 1] = cmsgpack.pack(record)
  elseif asked then
    emptied[#emptied + 1] = id
  end
end

for n, id in ipairs(ids) do
  local at = places[n]
  if tokens[n] ~= ARGV[at + 1] then
    answer[#answer + 1] = n
  else
    freed[#freed + 1] = id
    local report = ARGV[at + 2]
    if report ~= '' and report ~= primary.unchanging then
      -- Who it is stands in the token.
      local by = { reach = reach, workers = workers, process = process_of(tokens[n]:match('^(.*):') or '') }
      -- Where it cannot be applied, claims say why; the outcome is written all the same.
      pcall(apply_report, report:find('^%a:%d+:f') and fallback or primary, gate, breakers, report, by)
    end
    if ARGV[at + 3] == 'c' or ARGV[at + 3] == 'C' then
      done[#done + 1] = id
      over[#over + 1] = id
      if ARGV[at + 3] == 'C' then out_of_lanes[#out_of_lanes + 1] = id end
      bytes = bytes + ARGV[at + 4]
      ended[#ended + 1] = id
      ended[#ended + 1] = stamp .. ' ' .. ARGV[at + 5]
      if key_of[id] then end_key(key_of[id], id, ARGV[1]) end
      if noted[id] then notice(notices, 'completed', 'job.completed', id, noted[id]) end
    else
      carry_out(id, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], tonumber(ARGV[at + 6]), unpack(ARGV, at + 7, at + 10))
    end
    if reports and reports[id] then reported[#reported + 1] = reports[id] end
  end
end
for _, id in ipairs(touched) do
  local value = written[id] and marked(value_of(data, id))
  if value then
    marks[#marks + 1] = id
    marks[#marks + 1] = value
  end
end
if #written > 0 then redis.call('HSET', records, unpack(written)) end
if #marks > 0 then redis.call('HSET', data, unpack(marks)) end
if #emptied > 0 then redis.call('HDEL', records, unpack(emptied)) end
write_cancelled(ends, stopped)
grow(groups, deaths)
local high = #back > 0 and line_up({ active = active, lanes = KEYS[26], lane = KEYS[27], tenants = KEYS[28], turns = KEYS[29] }, back, true)
if #out_of_lanes > 0 then redis.pcall('HDEL', KEYS[27], unpack(out_of_lanes)) end
if #done > 0 then
  write_or_replace('HSET', completions, unpack(ended))
  write_or_replace('RPUSH', completed, stamp .. ' ' .. bytes .. ' ' .. table.concat(done, ' '))
end
if notices then write_notices(notices, stats) end
-- Last of what is written of the jobs: while a claim owns its job, its verdict can be written again.
if #freed > 0 then redis.call('HDEL', inflight, unpack(freed)) end
-- Of verdicts that are repeated, their calls were counted before.
local calls = #freed > 0 and ARGV[16] or ''
local counts = { completed = #done, completed_bytes = bytes, retried = retried, given_back = returned, died = died }
count_with_answers(stats, counts, calls)
-- What follows is about no job: should it stop, the outcomes are written.
local pruned, due = true, 0
if #done > 0 then
  local k = { completed = completed, completions = completions, stats = stats, data = data, records = records }
  pruned, due = pcall(prune_completed, k, tonumber(ARGV[1]), tonumber(ARGV[2]), 2)
end
pcall(tell, KEYS[25], over)
pcall(count_settled, KEYS[30], stats, ARGV[15], { completed = #done, failed = retried, dead = died }, calls)
-- It is tried again by the prune that the worker asks for.
answer[1] = pruned and due or now
for op, n in pairs(dead_again) do pcall(count_end, operations, op, 'dead_again', n) end
if reports then pcall(report_to_replays, operations, open, records, log, reported) end
pcall(write_reports, primary, gate, breakers, idle)
pcall(write_reports, fallback, gate, breakers, idle)
-- Where the fleet may run only so many, a slot that is free is what somebody waits for.
if sought or #back > 0 or (#freed > 0 and not is_looked_for(t.look) and (tried('EXISTS', active, KEYS[26]) or 0) > 0) then wake(idle, high) end
return answer
