-- Begins to cancel many jobs: an operation that any process carries on. Can be repeated with the same id.
--
-- KEYS  1 operation (replay:<id>)  2 operations  3 open operations  4 idle  5 audit  6 operation (prefix)
-- ARGV  1 id  2 which, in JSON  3 the same in words, for the audit  4 how many there are  5 by whom  6 why
--       7 "force": also what may have been sent, or ""
-- Returns begun
-- Parts: now, write_or_replace, wake, record, audit, operation
local key, operations, open, idle, log, prefix = unpack(KEYS)
if redis.call('EXISTS', key) == 1 then return 'begun' end
may_audit(log)
redis.call('HSET', key, 'act', 'cancel', 'filter', ARGV[2], 'words', ARGV[3], 'total', ARGV[4], 'by', ARGV[5], 'why', ARGV[6],
  'force', ARGV[7], 'state', 'running', 'cursor', '', 'begun', stamp, 'done', 0, 'failed', 0, 'looked', 0)
remember(operations, open, prefix, ARGV[1])
audit(log, {
  act = ARGV[1], by = ARGV[5], action = 'cancel', target = ARGV[3], reason = ARGV[6], count = 0,
  result = ARGV[7] ~= '' and 'also what may have been sent' or '',
})
wake(idle)
return 'begun'
