-- Begins to forget one person: an operation that any process carries on. Can be repeated with the same id.
--
-- KEYS  1 operations  2 replays  3 open operations  4 idle  5 audit
-- ARGV  1 id  2 who, and what is looked at, in JSON (PersonFilter): a hash, and no name  3 who, in words, for people: less of the hash
--       4 how many jobs there are  5 by whom  6 why  7 when the newest of them was enqueued, in ms: later than now if the clock was set back
-- Returns begun
-- Parts: now, write_or_replace, wake, record, audit, operation
local operations, known, open, idle, log = unpack(KEYS)
if of_operation(operations, ARGV[1], 'state') then return 'begun' end
may_audit(log)
note_operation(operations, ARGV[1], 'act', 'forget', 'person', ARGV[2], 'words', ARGV[3], 'total', ARGV[4], 'by', ARGV[5], 'why', ARGV[6],
  'state', 'running', 'cursor', '', 'begun', stamp, 'until', string.format('%.0f', math.max(now, tonumber(ARGV[7]))),
  'done', 0, 'failed', 0, 'looked', 0)
remember(known, open, operations, ARGV[1])
audit(log, { act = ARGV[1], by = ARGV[5], action = 'forget', target = ARGV[3], reason = ARGV[6], count = 0 })
wake(idle)
return 'begun'
