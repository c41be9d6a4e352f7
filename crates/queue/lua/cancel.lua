-- Cancels jobs that wait, and asks those that run to stop. What has ended is left alone. Idempotent.
--
-- KEYS  as part/waiting_keys.lua has them; then idempotency keys
-- ARGV  1 by whom  2 why  3 "force": also what may have been sent, or ""  4 how long ended jobs are kept, in ms  5 up to how many
--       bytes of cancelled ones (0 = no cap); then how many idempotency keys are passed, and each, "<kind>:<key>"; then the ids,
--       at most 250
-- Returns {"done", a word for each (part/cancel.lua)}; or, where jobs have keys that were not passed, {"keys", {"<kind>:<key>", …}}:
--         then nothing was done
-- Parts: now, write_or_replace, record, header, value, key, letters, audit, parked, homes, prune, prune_cancelled, waiters,
-- minutes, stop, notices, operation, cancel, waiting_keys
may_audit(k.audit)
local how = { by = ARGV[1], reason = ARGV[2], force = ARGV[3] == 'force', keep = tonumber(ARGV[4]), bytes = tonumber(ARGV[5]) }
local at
how.keys, at = given_keys(FIRST_MORE, 6)
local words, gone, asked = cancel(k, { unpack(ARGV, at) }, how)
if not words then return { 'keys', gone } end
audit_cancel(k.audit, how, {}, gone, asked)
return { 'done', words }
