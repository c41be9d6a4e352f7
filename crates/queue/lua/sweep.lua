-- Looks through the running jobs, a chunk a call. Takes over those whose worker has no lease any more, so that
-- the caller can settle them, and names those that the caller itself owns, so that it can give back what it does
-- not know of (a claim whose answer was lost). What the caller took over before and has not settled is taken again:
-- a request may have gone out for it, so it must never be given back as if it had not run.
--
-- KEYS  1 workers  2 inflight  3 records  4 data  5 timeline  6 lost (part/lost.lua)
-- ARGV  1 worker  2 token for what is taken over, "<worker>:r<n>"; what the fallback may have keeps its `f` behind it  3 cursor ("0" starts)  4 lease in ms
--       5 "rescue": only if a worker was lost, and nobody else is at its jobs; else "all"
-- Returns {state, next cursor ("0" = through), {id, what stands of it in data, run state, worker it is taken from, token, …}, {own id, token, …}}
--         state: ok, lost (the caller has no lease itself)
local workers, inflight, records, data, timeline, lost = unpack(KEYS)
local self, ours = ARGV[1], ARGV[2]
local beat = redis.call('ZSCORE', workers, self)
if not beat then return { 'lost', '0', {}, {} } end
-- A caller whose own lease is old comes back from an outage: the others may be on their way, too. Its next beat says
-- whose lease still means anything (beat.lua); until then nobody is lost.
-- While a new timeline, or another process of Redis, holds claims, the living are on their way to say what they remember.
local holding = redis.call('HMGET', timeline, 'hold', 'check')
local held = held_until(holding[1] or '') or held_until(holding[2] or '')
-- Who is at a lost worker's jobs. Whoever is lost with that leaves it to the next beat that sees it (beat.lua).
local rescue = redis.call('HGET', timeline, 'rescue') or ''
local rescuer = rescue:match('^(%S+) ')
local elsewhere = rescuer and rescuer ~= self and held_until(rescue:match('^%S+ (.*)$'))
if ARGV[3] == '0' then
  local expired = {}
  if not held and now - beat <= ARGV[4] * 2 / 3 then
    -- Nobody rescues itself: a lease that is fresh is none of these.
    expired = redis.call('ZRANGEBYSCORE', workers, '-inf', '(' .. string.format('%.0f', now - ARGV[4]), 'LIMIT', 0, 100)
  end
  for _, worker in ipairs(expired) do
    redis.call('ZREM', workers, worker)
    redis.call('HDEL', timeline, 'w:' .. worker)
  end
  if ARGV[5] == 'rescue' and #expired == 0 and (elsewhere or not rescuer) then return { 'ok', '0', {}, {} } end
  if (#expired > 0 or rescuer) and not elsewhere then rescuer = self end
end
-- From chunk to chunk, and while what was taken over is settled.
if rescuer == self then redis.call('HSET', timeline, 'rescue', self .. ' ' .. hold(10000)) end
local chunk = redis.call('HSCAN', inflight, ARGV[3], 'COUNT', 200)
local room = 4194304
local living, taken, own, of_lost = { [self] = true }, {}, {}, {}
for i = 1, #chunk[2], 2 do
  local id, token = chunk[2][i], chunk[2][i + 1]
  local worker, claim = token:match('^(.*):(r?%d+f?)$')
  worker = worker or token
  if living[worker] == nil then living[worker] = redis.call('ZSCORE', workers, worker) and true or false end
  local again = worker == self and claim and claim:sub(1, 1) == 'r' and token ~= ours and token ~= ours .. 'f'
  if worker == self and not again then
    if token ~= ours and token ~= ours .. 'f' then
      own[#own + 1] = id
      own[#own + 1] = token
    end
  elseif (again or not living[worker]) and not held and #taken < 1000 then
    local new = ours .. (claim and claim:sub(-1) == 'f' and 'f' or '')
    redis.call('HSET', inflight, id, new)
    taken[#taken + 1] = id
    -- Only to tell its kind and its size: what is too large is not read, nor more than a few MiB a call.
    local length = redis.call('HSTRLEN', data, id)
    local fits = length <= MOST_VALUE and length <= room
    if fits then room = room - length end
    taken[#taken + 1] = fits and redis.call('HGET', data, id) or ''
    taken[#taken + 1] = record_of(records, id).run or ''
    taken[#taken + 1] = worker
    taken[#taken + 1] = new
    -- What the caller took over before was noted then.
    if worker ~= self then
      of_lost[#of_lost + 1] = stamp
      of_lost[#of_lost + 1] = worker .. ' ' .. id
    end
  end
end
-- Whatever stands there, jobs are taken over.
pcall(note_lost, lost, of_lost)
if chunk[1] == '0' and rescuer == self then redis.call('HDEL', timeline, 'rescue') end
return { 'ok', chunk[1], taken, own }
