-- Begins to discard many dead letters: an operation that any process carries on; or finds one of the same letters that is running. Can be
-- repeated with the same id.
--
-- KEYS  1 dead  2 replays  3 open operations  4 operations  5 idle  6 audit  7 letters
-- ARGV  1 id  2 what it is of  3 by whom  4 why  5 which of those, in JSON (part/meant.lua), "" = all  6 the same with what it is of, in words
--       7 how many there are, where not all are meant  8 how many are discarded at the most, "" = all  9 those that died then or later,
--       in seconds, "" = all
-- Returns {begun, running (another one of the same letters) or none (there are no letters), id}
-- Parts: now, write_or_replace, wake, record, groups, audit, letters, operation
local dead, known, open, operations, idle, log, letters = unpack(KEYS)
if of_operation(operations, ARGV[1], 'state') then return { 'begun', ARGV[1] } end
may_audit(log)
for _, id in ipairs(redis.call('SMEMBERS', open)) do
  local act, what, state, words = of_operation(operations, id, 'act', 'what', 'state', 'words')
  if act == 'discard' and what == ARGV[2] and (words or '') == ARGV[6] and state == 'running' then return { 'running', id } end
end
local cutoff, total = seconds(now), tonumber(ARGV[7])
local group = ARGV[2]:match('^group:(.*)$')
if ARGV[6] == '' and group then
  total = redis.call('ZLEXCOUNT', letters, range_of(group, nil, now))
elseif ARGV[6] == '' then
  total = redis.call('ZCOUNT', dead, '-inf', cutoff)
end
if total == 0 then return { 'none', '' } end
note_operation(operations, ARGV[1], 'act', 'discard', 'what', ARGV[2], 'only', ARGV[5], 'words', ARGV[6], 'most', ARGV[8], 'score', ARGV[9], 'id', '',
  'by', ARGV[3], 'why', ARGV[4], 'cutoff', cutoff, 'state', 'running', 'begun', stamp, 'total', total, 'done', 0)
remember(known, open, operations, ARGV[1])
audit(log, { act = ARGV[1], by = ARGV[3], action = 'discard', target = ARGV[6] ~= '' and ARGV[6] or ARGV[2], reason = ARGV[4], count = 0 })
wake(idle)
return { 'begun', ARGV[1] }
