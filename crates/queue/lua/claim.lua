-- Takes waiting jobs for a worker, as many as it has free slots and never more. Nothing is written per job: that
-- a job runs is what the in-flight hash says, and attempts are counted when they are settled.
--
-- KEYS  1 active  2 scheduled  3 retryable  4 data  5 meta (prefix)  6 inflight  7 workers  8 gate  9 signal
--       10 limits  11 breakers  12 completions
-- ARGV  1 worker  2 claim token  3 free slots, at most 1000  4 how many may run in the whole fleet (0 = any)
--       5 provider ("" = none)  6 its limiter: ms between calls (0 = none)  7 calls it may run ahead
--       8 its breaker: how long a probe may take in ms (0 = no breaker)
--       9 version of its credentials
-- Returns {state, now, next due time in seconds or false, ids, payloads, records, until in ms, route, epoch}
--         state: ok, lost (the worker has no lease: it must join again), or what holds claims back, until when:
--                paused (by an operator), refused (its credentials), held (it said when to come back), open (its
--                breaker), limited
--         route: primary, or probe: the one job whose call decides whether the others may go on
--         epoch: of the breaker; goes back with the call's verdict
--         record: {field, value, …}; one that has completed has the field `end` too
local active, scheduled, retryable, data, meta, inflight, workers, gate, signal, limits, breakers, completions = unpack(KEYS)
local want, provider, interval = tonumber(ARGV[3]), ARGV[5], tonumber(ARGV[6])
local route, epoch = 'primary', 0
-- Redis keeps a small hash as a list, and searches that from its head for each field: slow, with a hundred jobs running.
-- A field of more than 64 bytes makes a table of it, for as long as it lives.
local long = string.rep('-', 65)

local due = false
local function none(state, till)
  return { state, now, due, {}, {}, {}, till or 0, route, epoch }
end

if not redis.call('ZSCORE', workers, ARGV[1]) then return none('lost') end
due = promote(scheduled, retryable, active)
local held = redis.call('HMGET', gate, 'paused', 'held', 'refused', 'refused_version', 'refused_until')
if held[1] then return none('paused') end
local most = tonumber(ARGV[4])
if most > 0 then want = math.min(want, most - redis.call('HLEN', inflight)) end
if want <= 0 then return none('ok') end
if held[2] and tonumber(held[2]) > now then return none('held', tonumber(held[2])) end

-- One probe a minute while the provider refuses our credentials, or at once with new ones.
if held[3] then
  if held[4] == ARGV[9] and tonumber(held[5]) > now then return none('refused', tonumber(held[5])) end
  route, want = 'probe', 1
end

local breaker = nil
if tonumber(ARGV[8]) > 0 then
  breaker = read_breaker(breakers, provider)
  epoch = breaker.epoch
  if breaker.state ~= 'closed' then
    if breaker.till > now then return none('open', breaker.till) end
    route, want = 'probe', 1
  end
end

local ahead, calls
if interval > 0 then
  local free, till
  free, till, ahead = tokens(limits, provider, interval, tonumber(ARGV[7]))
  if free == 0 then return none('limited', till) end
  calls = free
  want = math.min(want, free)
end

local popped = redis.call('LPOP', active, want) or {}
if #popped == 0 then return none('ok') end

-- An id that is listed twice runs once: it is already running, or was a moment ago.
local owners = redis.call('HMGET', inflight, unpack(popped))
local many = #popped > 8
local ids, seen, owned = {}, {}, many and { long, '' } or {}
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
  if interval > 0 then take(limits, provider, interval, ahead, #ids) end
  if route == 'probe' then
    if held[3] then redis.call('HSET', gate, 'refused_until', now + 60000, 'refused_version', ARGV[9]) end
    if breaker and breaker.state ~= 'closed' then
      change(breaker, 'half', now + tonumber(ARGV[8]))
      epoch = breaker.epoch
      write_breaker(breakers, breaker)
    end
  end
  redis.call('HSET', inflight, unpack(owned))
  if many then redis.call('HDEL', inflight, long) end
  payloads = redis.call('HMGET', data, unpack(ids))
  local ended = redis.call('HMGET', completions, unpack(ids))
  for i, id in ipairs(ids) do
    -- Whole, since that costs Redis less than some of its fields. Anybody can write there: a record of the wrong type
    -- is as good as none, and must not stop its neighbours.
    local record = redis.pcall('HGETALL', meta .. ':' .. id)
    if record.err then record = {} end
    if ended[i] then
      record[#record + 1] = 'end'
      record[#record + 1] = ''
    end
    records[i] = record
  end
end
if #popped == want and redis.call('LLEN', active) > 0 then
  wake(signal)
  due = false
end
-- With its calls used up, the next claim is of use when there is another.
local till = 0
if interval > 0 and #ids == calls then till = math.ceil(ahead + #ids * interval) end
return { 'ok', now, due, ids, payloads, records, till, route, epoch }
