-- A worker's heartbeat: renews the lease on everything it runs, all at once. What it costs does not grow with the fleet.
-- When nobody's beat is fresh, Redis was away (or the whole fleet was): then no lease means anything, and all are
-- renewed, so that the first worker back does not rescue the living.
--
-- KEYS  1 workers  2 inflight  3 open replays  4 timeline  5 parked  6 notices
-- ARGV  1 worker  2 "join", "beat" or "check": the same after a beat that met a key of another type  3 after how many ms without any beat all leases are stale
--       4 how many jobs the worker knows to be its own
--       5 what it remembers of the timeline (part/timeline.lua)  6 how long a new timeline holds claims, in ms
--       7 how many of its jobs run, and ran when its last beat was sent, if that one found no running job; else 0
-- Returns {state, now, stalest beat of another worker in ms or 0, 1 if the worker is alone and knows of no jobs, so that an
--          idle process has to look for such jobs itself (Queue::peek), or 0,
--          1 if a replay is open or false (not asked of a worker without jobs), timeline, seq, 1 if Redis forgot, or another
--          timeline has begun, or false: then the caller must say what it remembers, 1 if jobs are parked: then somebody has
--          to look through them, 1 if the caller is to look through all running jobs (sweep.lua) or 0,
--          how often running jobs were asked to stop (part/stop.lua), 1 if notices wait, or false (asked as a replay is), 1 if no
--          job of the queue runs or 0}
--         state: ok, lost (the lease is gone: what the worker runs may run elsewhere), layout (joining only: another edition has
--                laid out the queue, and in the timeline's place is how)
-- Parts: now, hold, timeline
local workers, inflight, timeline = KEYS[1], KEYS[2], KEYS[4]

-- Leases or claims that another program has written over, or removed, are forgotten: a new timeline begins, on which the
-- living tell all that they remember. What stands beside it is no memory of theirs, and stays.
local function forget(key)
  redis.call('DEL', key)
  if type(redis.pcall('HDEL', timeline, 'nonce', 'from', 'at')) == 'table' then redis.call('DEL', timeline) end
end
if ARGV[2] ~= 'beat' then
  for key, wanted in pairs({ [workers] = 'zset', [inflight] = 'hash', [timeline] = 'hash' }) do
    local found = redis.call('TYPE', key).ok
    if found ~= wanted and found ~= 'none' then forget(key) end
  end
end
local laid = ARGV[2] == 'join' and redis.call('HMGET', timeline, 'nonce', 'layout')
if laid and laid[1] and laid[2] ~= LAYOUT then
  return { 'layout', now, 0, 0, false, laid[2] or '1', 0, false, 0, 0, 0, false, 0 }
end
-- The two stalest: one of them may be the caller.
local rows = redis.call('ZRANGE', workers, 0, 1, 'WITHSCORES')
local many = #rows == 4
local mine = rows[1] == ARGV[1] or rows[3] == ARGV[1] or (many and redis.call('ZSCORE', workers, ARGV[1]) and true)
local t = on_timeline(timeline, workers, ARGV[5], tonumber(ARGV[6]))
-- What runs here stands there, while the lease holds. Where it did not at two beats, it has not just ended. A Redis that forgot a
-- claim may lack it, too; but then it still has what came before.
if mine and ARGV[7] ~= '0' and not t.news and redis.call('EXISTS', inflight) == 0 then
  forget(inflight)
  t = on_timeline(timeline, workers, ARGV[5], tonumber(ARGV[6]))
end
-- A lease that was forgotten is not lost.
mine = mine or ARGV[2] == 'join' or (t.news and t.till > 0)
local stalest, freshest = 0, 0
if #rows > 0 then
  stalest = rows[1] ~= ARGV[1] and tonumber(rows[2]) or many and tonumber(rows[4]) or 0
  freshest = tonumber(many and redis.call('ZRANGE', workers, 0, 0, 'REV', 'WITHSCORES')[2] or rows[2])
end

local sweep, parked, jobs = 0, 0, 0
if redis.call('EXISTS', inflight, KEYS[5]) > 0 then
  parked, jobs = redis.call('EXISTS', KEYS[5]), redis.call('HLEN', inflight)
end
if mine and jobs > 0 then
  -- Once a minute one of all looks for what nobody owns any more; and who was lost with others' jobs in hand has left some.
  local walked, rescue = unpack(redis.call('HMGET', timeline, 'walked', 'rescue'))
  walked = tonumber(walked or nil) or 0
  if now - walked > 60000 or walked > now then
    sweep = 1
    redis.call('HSET', timeline, 'walked', stamp)
  elseif rescue and not held_until(rescue:match('^%S+ (.*)$')) then
    sweep = 1
  end
end
local alone = not (many and redis.call('ZCARD', workers) > 2) and ARGV[4] == '0' and 1 or 0
local replays, notices = false, false
if ARGV[4] ~= '0' then
  local found = redis.call('EXISTS', KEYS[3], KEYS[6])
  replays = found == 1 and redis.call('EXISTS', KEYS[3]) or found / 2
  notices = found - replays
end
local news, none_runs = t.news and 1 or false, jobs == 0 and 1 or 0
if not mine then return { 'lost', now, stalest, alone, replays, t.nonce, t.seq, news, parked, 0, 0, notices, none_runs } end
if freshest > 0 and (now - freshest > tonumber(ARGV[3]) or freshest > now + 1000) then
  for _, worker in ipairs(redis.call('ZRANGE', workers, 0, -1)) do redis.call('ZADD', workers, now, worker) end
  if stalest > 0 then stalest = now end
end
redis.call('ZADD', workers, now, ARGV[1])
return { 'ok', now, stalest, alone, replays, t.nonce, t.seq, news, parked, sweep, t.asks, notices, none_runs }
