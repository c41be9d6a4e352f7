-- A step of an operation that forgets one person: jobs that one process has found, and from where the next one goes on. If somebody else
-- has made that step, nothing is done. What waits is cancelled, whatever may have been sent: nothing more reaches the person. What runs is asked
-- to stop, and is found again once it has ended. What has ended is stripped.
--
-- KEYS  as part/waiting_keys.lua has them, then  1 operations  2 open operations  3 deliveries  4 delivery ages; then idempotency keys
-- ARGV  1 id of the operation  2 its cursor as it was found  3 its cursor from now on  4 how many jobs were looked at
--       5 "over" with the last step, or ""  6 who carries it on  7 how long ended jobs are kept, in ms  8 up to how many bytes of cancelled
--       ones (0 = no cap); then how many idempotency keys are passed, and each, "<kind>:<key>"; then of each job, at most 100: its id,
--       what is to stand in the place of its payload, and "k" where its key names the person, "t" where its tenant does
-- Returns {made, or keys (jobs have keys that were not passed, and nothing was done; then those), or else: elsewhere (somebody else has
--         made it), closed (it does not run any more)}; the jobs that were cancelled and have to be cleaned up after (part/cancel.lua: pushed)
-- Parts: now, write_or_replace, record, header, value, key, letters, audit, parked, homes, prune, prune_cancelled, waiters, minutes, stop, notices, operation,
-- cancel, deliveries, forget, waiting_keys
local operations, open = more_key(1), more_key(2)
k.deliveries, k.ages = more_key(3), more_key(4)
local state, cursor, by, why, target = of_operation(operations, ARGV[1], 'state', 'cursor', 'by', 'why', 'words')
if state ~= 'running' then
  redis.call('SREM', open, ARGV[1])
  return { 'closed', {} }
end
if cursor ~= ARGV[2] then return { 'elsewhere', {} } end
may_audit(k.audit)
local how = { by = by or '', reason = why or '', force = true, keep = tonumber(ARGV[7]), bytes = tonumber(ARGV[8]), operation = ARGV[1] }
local at
how.keys, at = given_keys(FIRST_MORE + 4, 9)
local ids, payloads, flags, key_of, wanted = {}, {}, {}, {}, {}
for n = at, #ARGV, 3 do
  local id = ARGV[n]
  local before = header(redis.call('HGET', k.data, id))
  local place = #ids + 1
  ids[place], payloads[place], flags[place] = id, ARGV[n + 1], ARGV[n + 2]
  key_of[place] = before and before.key
  wanted[#wanted + 1] = key_of[place]
end
local missing = missing_keys(how.keys, wanted)
if #missing > 0 then return { 'keys', missing } end
local words, gone, asked = cancel(k, ids, how)
if not words then return { 'keys', gone } end
local done, pushed = 0, {}
for n, id in ipairs(ids) do
  local word = words[n]
  if word == 'pushed' then pushed[#pushed + 1] = id end
  if word == 'cancelled' or word == 'pushed' or word == 'already' or word == 'completed' or word == 'dead' then
    how.payload, how.key = payloads[n], key_of[n] and how.keys[key_of[n]]
    how.drop, how.tenant = flags[n]:find('k'), flags[n]:find('t')
    if forget_job(k, id, word, how) then done = done + 1 end
  end
end
note_operation(operations, ARGV[1], 'cursor', ARGV[3], 'busy', string.format('%.0f %s', now + BUSY, ARGV[6]))
for name, n in pairs({ done = done, asked = #asked, looked = ARGV[4] }) do
  if tonumber(n) > 0 then count_operation(operations, ARGV[1], name, n) end
end
if done > 0 then
  audit(k.audit, { act = ARGV[1], by = how.by, action = 'forget', target = target or '', reason = how.reason, count = done })
end
if ARGV[5] == 'over' then finish(operations, ARGV[1], open, k.audit, 'done', {}) end
return { 'made', pushed }
