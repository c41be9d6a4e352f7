-- Begins a replay operation, unless one of the same letters is running. Can be repeated with the same id.
--
-- KEYS  1 dead letters (all, or one group's)  2 replays  3 open replays  4 replay (prefix)  5 idle  6 audit
-- ARGV  1 id  2 what it is of  3 letters a second (0 = as fast as it goes)  4 by whom  5 why
--       6 "fresh": each letter gets its time again, or ""; for "named" then the ids,
--       at most 1000
-- Returns {begun, running (another one of the same letters) or none (there are no letters), id, letters a second}
local letters, replays, open, replay, idle, log = unpack(KEYS)
local key = replay .. ':' .. ARGV[1]
if redis.call('EXISTS', key) == 1 then return { 'begun', ARGV[1], ARGV[3] } end
may_audit(log)
local cutoff = seconds(now)
for _, id in ipairs(redis.call('SMEMBERS', open)) do
  local other = replay .. ':' .. id
  local what, state, rate = unpack(tried('HMGET', other, 'what', 'state', 'rate') or {})
  local same = what == ARGV[2] and what ~= 'named'
  if same and state == 'running' then return { 'running', id, rate } end
  -- All of its letters are moved: those that died again are this one's.
  if same and state == 'watching' then finish(other, open, log, 'done', {}) end
end
local total, target = redis.call('ZCOUNT', letters, '-inf', cutoff), ARGV[2]
if target == 'named' then
  -- Its letters are a sorted set of its own.
  local ids = named(letters, { unpack(ARGV, 7) })
  for _, id in ipairs(ids) do redis.call('ZADD', key .. ':letters', redis.call('ZSCORE', letters, id), id) end
  total, target = #ids, list(ids)
end
if total == 0 then return { 'none', '', 0 } end
redis.call('HSET', key, 'what', ARGV[2], 'rate', ARGV[3], 'fresh', ARGV[6], 'by', ARGV[4], 'why', ARGV[5], 'state', 'running',
  'cutoff', cutoff, 'score', '', 'id', '', 'stepped', stamp, 'begun', stamp, 'heard', stamp, 'total', total, 'moved', 0,
  'completed', 0, 'again', 0, 'otherwise', 0, 'last', '')
remember(replays, open, replay, ARGV[1])
local pace = tonumber(ARGV[3]) > 0 and ARGV[3] .. ' a second' or ''
if ARGV[6] == 'fresh' then pace = pace .. (pace ~= '' and ', ' or '') .. 'fresh expiry' end
audit(log, { act = ARGV[1], by = ARGV[4], action = 'replay', target = target, reason = ARGV[5], result = pace, count = total })
-- An idle process looks, and finds it open.
wake(idle)
return { 'begun', ARGV[1], ARGV[3] }
