-- A step of an operation that cancels many jobs: some that one process has found, and from where the next one goes on. If somebody else has
-- made that step, nothing is done.
--
-- KEYS  as part/waiting_keys.lua has them, then  1 operations  2 open operations; then idempotency keys
-- ARGV  1 id of the operation  2 its cursor as it was found  3 its cursor from now on  4 how many jobs were looked at
--       5 "over" with the last step, "again" where some of these were looked at before, both, or ""  6 who carries it on  7 how long ended jobs are kept, in ms  8 up to how many bytes of
--       cancelled ones (0 = no cap); then how many idempotency keys are passed, and each, "<kind>:<key>"; then the ids, at most 250
-- Returns {made, or keys (jobs have keys that were not passed, and nothing was done; then those instead of words), or else: elsewhere (somebody else has made it), closed (it does not run any more); a word for each (part/cancel.lua)}
-- Parts: now, write_or_replace, record, header, value, key, letters, audit, parked, homes, prune, prune_cancelled, waiters, minutes, stop, notices, operation, cancel,
-- waiting_keys
local operations, open = more_key(1), more_key(2)
local state, cursor, by, why, force, target = of_operation(operations, ARGV[1], 'state', 'cursor', 'by', 'why', 'force', 'words')
if state ~= 'running' then
  redis.call('SREM', open, ARGV[1])
  return { 'closed', {} }
end
if cursor ~= ARGV[2] then return { 'elsewhere', {} } end
may_audit(k.audit)
local how = { by = by or '', reason = why or '', force = force == 'force', keep = tonumber(ARGV[7]), bytes = tonumber(ARGV[8]) }
local at
how.keys, at = given_keys(FIRST_MORE + 2, 9)
local words, gone, asked = cancel(k, { unpack(ARGV, at) }, how)
if not words then return { 'keys', gone } end
local failed = 0
for _, word in ipairs(words) do
  if word == 'sent' and not ARGV[5]:find('again') then failed = failed + 1 end
end
note_operation(operations, ARGV[1], 'cursor', ARGV[3], 'busy', string.format('%.0f %s', now + BUSY, ARGV[6]))
for name, n in pairs({ done = #gone, failed = failed, asked = #asked, looked = ARGV[4] }) do
  if tonumber(n) > 0 then count_operation(operations, ARGV[1], name, n) end
end
audit_cancel(k.audit, how, { act = ARGV[1], target = target or '' }, gone, asked)
if ARGV[5]:find('over') then finish(operations, ARGV[1], open, k.audit, 'done', {}) end
return { 'made', words }
