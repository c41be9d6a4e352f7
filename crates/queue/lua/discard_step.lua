-- A step of an operation that discards dead letters: the next ones that are meant, at most 500. Whoever makes a step goes on from where the
-- last one ended, so two processes do no harm.
--
-- KEYS  1 dead  2 letters  3 groups  4 records  5 data  6 stats  7 audit  8 lane  9 operations  10 open operations
--       11 deliveries; then idempotency keys
-- ARGV  1 id of the operation  2 who carries it on  3 how long completed jobs are kept, in ms; then how many idempotency keys are passed, and
--       each, "<kind>:<key>"
-- Returns {keys, those that were not passed: nothing was done}; {more or over, the ids of those that are gone}; {closed (it does not run any
--         more), {}}
-- Parts: now, write_or_replace, record, groups, header, value, audit, letters, bring_out, key, discard, place, following, delivery_of, meant, operation
local log, operations, open = KEYS[7], KEYS[9], KEYS[10]
local k = {
  dead = KEYS[1], letters = KEYS[2], groups = KEYS[3], records = KEYS[4], data = KEYS[5], stats = KEYS[6], lane = KEYS[8],
  deliveries = KEYS[11],
}
local op = operation_of(operations, ARGV[1])
if op.state ~= 'running' or op.act ~= 'discard' then
  redis.call('SREM', open, ARGV[1])
  return { 'closed', {} }
end
-- What dies again in the millisecond of the cut-off would be taken for one that died before it.
if stamp == op.begun then return { 'more', {} } end
local given = given_keys(12, 4)
local group, most = op.what:match('^group:(.*)$'), tonumber(op.most or '')
local want = most and math.max(0, math.min(500, most - op.done)) or 500
local ids, last, score, _, more = {}, nil, op.score, 0, false
if want > 0 then ids, last, score, _, more = next_meant(k, op, group, want, 500) end
-- That a group lists one does not make it dead: what is not is a ghost, and is listed no more.
local found = group and named(k.dead, ids) or ids
if #found < #ids then
  local is_dead, ghosts = {}, {}
  for _, id in ipairs(found) do is_dead[id] = true end
  local from, till = range_of(group, nil, ms_of(op.cutoff))
  if op.score ~= '' then from = (op.id ~= '' and '(' or '[') .. letter_of(group, ms_of(op.score), op.id) end
  for _, member in ipairs(redis.call('ZRANGE', k.letters, from, till, 'BYLEX', 'LIMIT', 0, 500)) do
    local read = read_letters(group, { member })
    if not is_dead[read[1]] and not redis.call('ZSCORE', k.dead, read[1]) then ghosts[#ghosts + 1] = member end
  end
  if #ghosts > 0 then redis.call('ZREM', k.letters, unpack(ghosts)) end
end
local missing = discard(k, found, given, ARGV[3], #found == #ids and op.only == '', function() may_audit(log) end)
if missing then return { 'keys', missing } end
note_operation(operations, ARGV[1], 'score', score, 'id', last or op.id, 'busy', string.format('%.0f %s', now + BUSY, ARGV[2]))
local target = op.words ~= '' and op.words or op.what
if #found > 0 then
  count_operation(operations, ARGV[1], 'done', #found)
  audit(log, { act = ARGV[1], by = op.by, action = 'discard', target = target, reason = op.why, count = #found })
end
if more and not (most and op.done + #found >= most) then return { 'more', found } end
finish(operations, ARGV[1], open, log, 'done', {})
return { 'over', found }
