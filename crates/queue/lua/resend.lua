-- Takes back jobs that a worker has, or has settled, and that Redis forgot: each is the worker's again, under the token of
-- then, wherever Redis has it now. What was settled is settled again after that. What was cancelled meanwhile is asked to stop.
-- Of several workers that had a job one after the other, the last one gets it. Renews the worker's lease, which may be forgotten, too.
--
-- KEYS  1 timeline  2 told  3 workers  4 inflight  5 scheduled  6 retryable  7 data  8 completions  9 dead  10 groups
--       11 records  12 parked  13 kinds  14 sought  15 lanes  16 lane  17 letters  18 parked kinds
-- ARGV  1 what the caller remembers of the timeline (part/timeline.lua)  2 how long a new timeline holds claims, in ms
--       3 "last" with the last call of several, or ""; then for each job, at most 256: id, claim token, timeline and seq of its claim or settle, what
--       stands of it in data (for a Redis that does not know it; of a completed one without its payload), run state
-- Returns {state, timeline, seq, for each job 1 if it is the caller's now, else 0, …}
--         state: ok, lost (the worker came too late: it has no lease any more)
local timeline, told, workers, inflight, scheduled, retryable, data, completions, dead, groups, records = unpack(KEYS)
local parked = { parked = KEYS[12], of_kinds = KEYS[18], kinds = KEYS[13], sought = KEYS[14] }
local t = on_timeline(timeline, workers, ARGV[1], tonumber(ARGV[2]))
-- Once claims go on, what others have done since is newer than anything that is remembered from before.
local late = t.till == 0
if not late then
  redis.call('ZADD', workers, now, t.worker)
elseif not redis.call('ZSCORE', workers, t.worker) then
  return { 'lost', t.nonce, t.seq }
end
local base = redis.call('HMGET', timeline, 'from', 'at', 'w:' .. t.worker)
local from_n, from_seq, own_seq = number_of(base[1]), tonumber(base[2] or 0), tonumber(base[3] or nil) or 0
if ARGV[3] == 'last' then
  go_on(t)
else
  -- `w:` is written with the last call only: until then the next one still sees what Redis had of this worker.
  t.seq = t.seq + 1
  redis.call('HSET', timeline, 'seq', string.format('%.0f', t.seq))
end

-- Redis has it from before it forgot.
local function known(nonce, n, seq)
  if n ~= from_n then return n < from_n end
  return nonce == base[1] and seq <= from_seq
end

-- It has it since then, by this worker, of whose calls it has a later one.
local function known_since(token, nonce, seq)
  return nonce == base[1] and seq <= own_seq and token:match('^(.*):') == t.worker
end

-- What was told when Redis forgot before says nothing now.
if redis.call('HGET', told, '') ~= t.nonce then
  redis.call('DEL', told)
  redis.call('HSET', told, '', t.nonce)
end

-- Whether it is newer than what was told of the job, and whether anything was.
local function newest(id, n, seq)
  local other_n, other_seq = (redis.call('HGET', told, id) or ''):match('^(%d+) (%d+)$')
  if not other_n then return true, false end
  other_n = tonumber(other_n)
  return n > other_n or (n == other_n and seq > tonumber(other_seq)), true
end

-- Takes a job out of where it waits. What stands in the waiting list is left there: claims pass it over.
local left = 0
local function take_out(id, value, record)
  if cancelled_at(record) then
    -- An operator has cancelled it meanwhile, and it had run: it is in no list, or its entry there is counted.
    record['end'] = nil
  elseif redis.call('HSETNX', data, id, value) == 1 then
    -- It waits nowhere.
  elseif redis.call('ZREM', scheduled, id) == 1 then
    redis.call('SREM', retryable, id)
  elseif redis.pcall('ZREM', KEYS[15], id) == 1 then
    -- It waited in its lane.
  elseif tried('ZSCORE', parked.parked, id) then
    unpark(parked, (record.parked or ''):match(' (%x+)$') or '', nil, { id })
  elseif redis.call('ZSCORE', dead, id) then
    bring_out(dead, groups, KEYS[17], { record }, { id })
    record['end'] = nil
  else
    left = left + 1
  end
end

-- Who has cancelled a job, and why: its last entry says so. As ask_to_stop takes it.
local function cancel_of(record)
  local _, _, _, _, entries = run_of(record)
  local sound, entry = pcall(cjson.decode, (record['h' .. entries] or ''):match('^%d+ (.*)$') or '')
  entry = sound and type(entry) == 'table' and entry or {}
  return { force = true, by = entry.worker, reason = entry.reason }
end

local answer, asked = { 'ok', t.nonce, t.seq }, 0
for i = 4, #ARGV, 6 do
  local id, token, nonce, seq = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  local n = number_of(nonce)
  local owner = redis.call('HGET', inflight, id)
  local ours = owner == token
  local is_newest, was_told = newest(id, n, seq)
  -- What Redis has since it forgot stands, unless an older claim was told first, and has taken its place.
  local stands = known_since(token, nonce, seq) and not was_told
  if not ours and is_newest and not stands and not known(nonce, n, seq)
    and redis.call('HEXISTS', completions, id) == 0
    and not (late and (owner or redis.call('ZSCORE', dead, id)))
    -- Nothing of it is carried out again.
    and not record_of(records, id).forgotten then
    local record = record_of(records, id)
    local cancel = not owner and cancelled_at(record) and cancel_of(record)
    if not owner then take_out(id, ARGV[i + 4], record) end
    redis.call('HSET', inflight, id, token)
    record.run = ARGV[i + 5]
    -- It was another claim that was asked to stop.
    record.stop = nil
    if cancel then
      -- It stands: what was put back is cancelled once more, and what still runs is stopped. What has completed, or died, has ended so.
      ask_to_stop(records, id, record, cancel)
      asked = asked + 1
    else
      write_record(records, id, record)
    end
    local value = redis.call('HGET', data, id)
    local mark, before = marked(value), header(value)
    if mark then redis.call('HSET', data, id, mark) end
    -- For when it is put back.
    if before and before.lane then redis.pcall('HSET', KEYS[16], id, before.lane) end
    ours = true
  end
  if ours or (stands and is_newest) then redis.call('HSET', told, id, n .. ' ' .. string.format('%.0f', seq)) end
  answer[#answer + 1] = ours and 1 or 0
end
if left > 0 then redis.call('HINCRBY', timeline, 'left', left) end
if asked > 0 then redis.call('HINCRBY', timeline, 'asks', 1) end
redis.call('PEXPIRE', told, 5 * ARGV[2])
return answer
