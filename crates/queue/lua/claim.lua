-- Takes waiting jobs for a worker, as many as it has free slots and never more. Nothing is written per job: that
-- a job runs is what the in-flight hash says, and attempts are counted when they are settled.
--
-- KEYS  1 active  2 scheduled  3 retryable  4 data  5 meta (prefix)  6 inflight  7 workers  8 gate  9 signal
-- ARGV  1 worker  2 claim token  3 free slots, at most 1000  4 how many may run in the whole fleet (0 = any)
-- Returns {state, now, next due time in seconds or false, ids, payloads, records}
--         state: ok, lost (the worker has no lease: it must join again), paused
--         record: {enqueued at, expires at, traceparent, tracestate, run state, end, attempts as apalis-redis writes it}
local active, scheduled, retryable, data, meta, inflight, workers, gate, signal = unpack(KEYS)
local want = tonumber(ARGV[3])
if not redis.call('ZSCORE', workers, ARGV[1]) then return { 'lost', now, false, {}, {}, {} } end

local function next_due()
  local head = redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')
  return head[2] or false
end

promote(scheduled, retryable, active)
if redis.call('HEXISTS', gate, 'paused') == 1 then return { 'paused', now, next_due(), {}, {}, {} } end
local most = tonumber(ARGV[4])
if most > 0 then want = math.min(want, most - redis.call('HLEN', inflight)) end
local popped = want > 0 and redis.call('LPOP', active, want) or {}
if #popped == 0 then return { 'ok', now, next_due(), {}, {}, {} } end

-- An id that is listed twice runs once: it is already running, or was a moment ago.
local owners = redis.call('HMGET', inflight, unpack(popped))
local ids, seen, owned = {}, {}, {}
for i, id in ipairs(popped) do
  if not owners[i] and not seen[id] then
    seen[id] = true
    ids[#ids + 1] = id
    owned[#owned + 1] = id
    owned[#owned + 1] = ARGV[2]
  end
end
local payloads, records = {}, {}
if #ids > 0 then
  redis.call('HSET', inflight, unpack(owned))
  payloads = redis.call('HMGET', data, unpack(ids))
  for i, id in ipairs(ids) do
    -- Anybody can write there: a record of the wrong type is as good as none, and must not stop its neighbours.
    local record = redis.pcall('HMGET', meta .. ':' .. id, 'at', 'exp', 'traceparent', 'tracestate', 'run', 'end', 'attempts')
    records[i] = record.err and { false, false, false, false, false, false, false } or record
  end
end
local due = false
if redis.call('LLEN', active) > 0 then wake(signal) else due = next_due() end
return { 'ok', now, due, ids, payloads, records }
