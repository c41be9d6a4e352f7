-- Cancels an operation, or lets one go on that was stopped or cancelled.
--
-- KEYS  1 operations  2 open replays  3 idle  4 audit
-- ARGV  1 id  2 cancel or resume  3 by whom  4 why
-- Returns changed, same (it is so already), over (all is done), or unknown (there is none)
local operations, open, idle, log = unpack(KEYS)
local state, what, act, words = of_operation(operations, ARGV[1], 'state', 'what', 'act', 'words')
if not state then return 'unknown' end
if state == 'done' then return 'over' end
may_audit(log)
local is_open = state == 'running' or state == 'watching'
if ARGV[2] == 'cancel' then
  if state == 'cancelled' then return 'same' end
  finish(operations, ARGV[1], open, log, 'cancelled', { by = ARGV[3], reason = ARGV[4] })
  return 'changed'
end
if is_open then return 'same' end
note_operation(operations, ARGV[1], 'state', 'running')
if not act then note_operation(operations, ARGV[1], 'stepped', stamp, 'heard', stamp, 'last', '') end
forget_operation(operations, ARGV[1], 'cause', 'ended')
redis.call('SADD', open, ARGV[1])
audit(log, { act = ARGV[1], by = ARGV[3], action = (act or 'replay') .. '_resume', target = words or what or '', reason = ARGV[4] })
wake(idle)
return 'changed'
