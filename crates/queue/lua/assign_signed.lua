-- Lets a key of a map stand for a value, unless it stands for one already, at an operator's word.
--
-- KEYS  1 map  2 audit
-- ARGV  1 key  2 by whom  3 action  4 what it is called in the audit  5 why  6 value
-- Returns 1, or 0 when it stands for something already
may_audit(KEYS[2])
local added = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[6])
if added == 1 then audit(KEYS[2], { by = ARGV[2], action = ARGV[3], target = ARGV[4], reason = ARGV[5] }) end
return added
