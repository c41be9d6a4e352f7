-- Begins to give many jobs that wait another time: an operation that any process carries on. Can be repeated with the same id.
--
-- KEYS  1 operations  2 replays  3 open operations  4 idle  5 audit
-- ARGV  1 id  2 which, in JSON  3 the same in words, for the audit  4 how many there are  5 by whom  6 why
--       7 when: "+<ms>" from now, or "<ms>" since the epoch
-- Returns begun
-- Parts: now, write_or_replace, wake, record, audit, operation
local operations, known, open, idle, log = unpack(KEYS)
if of_operation(operations, ARGV[1], 'state') then return 'begun' end
may_audit(log)
local due = ARGV[7]:sub(1, 1) == '+' and now + ARGV[7]:sub(2) or tonumber(ARGV[7])
note_operation(operations, ARGV[1], 'act', 'reschedule', 'filter', ARGV[2], 'words', ARGV[3], 'total', ARGV[4], 'by', ARGV[5], 'why', ARGV[6],
  'due', string.format('%.0f', due), 'state', 'running', 'cursor', '', 'begun', stamp, 'done', 0, 'failed', 0, 'looked', 0)
remember(known, open, operations, ARGV[1])
audit(log, {
  act = ARGV[1], by = ARGV[5], action = 'reschedule', target = ARGV[3], reason = ARGV[6], count = 0,
  result = due <= now and 'due now' or 'due at ' .. seconds(due),
})
wake(idle)
return 'begun'
