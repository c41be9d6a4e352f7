-- Lets a key of a map stand for nothing any more, at an operator's word.
--
-- KEYS  1 map  2 audit
-- ARGV  1 key  2 by whom  3 action  4 what it is called in the audit  5 why
-- Returns 1, or 0 when it did not stand for anything
may_audit(KEYS[2])
local removed = redis.call('HDEL', KEYS[1], ARGV[1])
if removed == 1 then audit(KEYS[2], { by = ARGV[2], action = ARGV[3], target = ARGV[4], reason = ARGV[5] }) end
return removed
