-- Begins a replay operation, unless one of the same letters is running. Can be repeated with the same id.
--
-- KEYS  1 dead  2 replays  3 open replays  4 operations  5 idle  6 audit  7 letters
-- ARGV  1 id  2 what it is of  3 letters a second (0 = as fast as it goes)  4 by whom  5 why
--       6 "fresh": each letter gets its time again, or ""  7 which of those, in JSON (part/meant.lua), "" = all  8 the same with what it
--       is of, in words  9 how many there are, where not all are meant  10 how many are moved at the most, "" = all
--       11 those that died then or later, in seconds, "" = all; for "named" then the ids, at most 1000
-- Returns {begun, running (another one of the same letters) or none (there are no letters), id, letters a second}
local dead, replays, open, operations, idle, log, letters = unpack(KEYS)
if of_operation(operations, ARGV[1], 'state') then return { 'begun', ARGV[1], ARGV[3] } end
may_audit(log)
local cutoff = seconds(now)
for _, id in ipairs(redis.call('SMEMBERS', open)) do
  local what, state, rate, act = of_operation(operations, id, 'what', 'state', 'rate', 'act')
  local same = not act and what == ARGV[2] and what ~= 'named' and (of_operation(operations, id, 'words') or '') == ARGV[8]
  if same and state == 'running' then return { 'running', id, rate } end
  -- All of its letters are moved: those that died again are this one's.
  if same and state == 'watching' then finish(operations, id, open, log, 'done', {}) end
end
local total, target = nil, ARGV[2]
local group = target:match('^group:(.*)$')
if target == 'named' then
  local ids, died = named(dead, { unpack(ARGV, 12) }), {}
  for _, id in ipairs(ids) do died[id] = tonumber(redis.call('ZSCORE', dead, id)) end
  table.sort(ids, function(a, b)
    if died[a] ~= died[b] then return died[a] < died[b] end
    return a < b
  end)
  if #ids > 0 then note_operation(operations, ARGV[1], 'letters', cmsgpack.pack(ids)) end
  total, target = #ids, list(ids)
elseif ARGV[8] ~= '' then
  total, target = tonumber(ARGV[9]), ARGV[8]
elseif group then
  total = redis.call('ZLEXCOUNT', letters, range_of(group, nil, now))
else
  total = redis.call('ZCOUNT', dead, '-inf', cutoff)
end
if total == 0 then return { 'none', '', 0 } end
note_operation(operations, ARGV[1], 'what', ARGV[2], 'rate', ARGV[3], 'fresh', ARGV[6], 'by', ARGV[4], 'why', ARGV[5], 'state', 'running',
  'cutoff', cutoff, 'only', ARGV[7], 'most', ARGV[10], 'score', ARGV[11], 'id', '', 'stepped', stamp, 'begun', stamp, 'heard', stamp, 'total', total, 'moved', 0,
  'completed', 0, 'again', 0, 'otherwise', 0, 'last', '')
if ARGV[8] ~= '' then note_operation(operations, ARGV[1], 'words', ARGV[8]) end
remember(replays, open, operations, ARGV[1])
local pace = tonumber(ARGV[3]) > 0 and ARGV[3] .. ' a second' or ''
if ARGV[6] == 'fresh' then pace = pace .. (pace ~= '' and ', ' or '') .. 'fresh expiry' end
audit(log, { act = ARGV[1], by = ARGV[4], action = 'replay', target = target, reason = ARGV[5], result = pace, count = total })
-- An idle process looks, and finds it open.
wake(idle)
return { 'begun', ARGV[1], ARGV[3] }
