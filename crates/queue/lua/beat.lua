-- A worker's heartbeat: renews the lease on everything it runs, all at once.
-- When nobody's beat is fresh, Redis was away (or the whole fleet was): then no lease means anything, and all are
-- renewed, so that the first worker back does not rescue the living.
--
-- KEYS  1 workers  2 inflight  3 open replays  4 timeline  5 parked
-- ARGV  1 worker  2 "join" or "beat"  3 after how many ms without any beat all leases are stale
--       4 how many jobs the worker knows to be its own
--       5 what it remembers of the timeline (part/timeline.lua)  6 how long a new timeline holds claims, in ms
-- Returns {state, now, stalest beat of another worker in ms or 0, number of running jobs in the fleet or false,
--          1 if a replay is open or false, timeline, seq, 1 if Redis forgot, or another timeline has begun, or false: then
--          the caller must say what it remembers, 1 if jobs are parked: then somebody has to look through them}
--         They are not counted for a worker that is alone and knows of none: an idle process is to cost little, and
--         looks for such jobs itself (Queue::peek), as for open replays.
--         state: ok, lost (the lease is gone: what the worker runs may run elsewhere), layout (joining only: another edition has
--                laid out the queue, and in the timeline's place is how)
local workers, inflight = KEYS[1], KEYS[2]
-- Leases or claims that another program has written over are forgotten: a new timeline begins, on which the living tell what
-- they remember.
for key, wanted in pairs({ [workers] = 'zset', [inflight] = 'hash', [KEYS[4]] = 'hash' }) do
  local found = redis.call('TYPE', key).ok
  if found ~= wanted and found ~= 'none' then
    for _, gone in ipairs({ key, KEYS[4] }) do redis.call('DEL', gone) end
  end
end
local laid = ARGV[2] == 'join' and redis.call('HMGET', KEYS[4], 'nonce', 'layout')
if laid and laid[1] and laid[2] ~= LAYOUT then
  return { 'layout', now, 0, false, false, laid[2] or '1', 0, false, 0 }
end
local t = on_timeline(KEYS[4], workers, ARGV[5], tonumber(ARGV[6]))
local rows = redis.call('ZRANGE', workers, 0, -1, 'WITHSCORES')
-- A lease that was forgotten is not lost.
local mine, stalest, freshest = ARGV[2] == 'join' or (t.news and t.till > 0), 0, 0
for i = 1, #rows, 2 do
  local beat = tonumber(rows[i + 1])
  if rows[i] == ARGV[1] then
    mine = true
  elseif stalest == 0 then
    stalest = beat
  end
  freshest = math.max(freshest, beat)
end
local idle = #rows <= 2 and ARGV[4] == '0'
local running = not idle and redis.call('HLEN', inflight)
local replays = ARGV[4] ~= '0' and redis.call('EXISTS', KEYS[3])
local news = t.news and 1 or false
local parked = redis.call('EXISTS', KEYS[5])
if not mine then return { 'lost', now, stalest, running, replays, t.nonce, t.seq, news, parked } end
if freshest > 0 and (now - freshest > tonumber(ARGV[3]) or freshest > now + 1000) then
  for i = 1, #rows, 2 do redis.call('ZADD', workers, now, rows[i]) end
  if stalest > 0 then stalest = now end
end
redis.call('ZADD', workers, now, ARGV[1])
return { 'ok', now, stalest, running, replays, t.nonce, t.seq, news, parked }
