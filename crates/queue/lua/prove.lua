-- Proves that scripts may write to the queue, and leaves nothing behind. What keeps all of them out (a replica, too few
-- replicas, a disk that is full, no memory, another node's slot, an ACL that lacks one of the keys) refuses this one, too.
--
-- KEYS  1 probe  2 any hash of the queue  3 what channels begin with; then all other keys of the queue, so that each is asked
--       for: an ACL may leave out one
-- ARGV  1 for whom: worker or operator
-- Returns the commands that the ACL, or a renamed command, keeps the scripts and programs of that one from
redis.call('SET', KEYS[1], '1', 'PX', 1000)
redis.call('DEL', KEYS[1])

local key, channel = KEYS[2], KEYS[3] .. ':example'
-- Every command that is used anywhere, as it is used. A test holds this list against the scripts.
local used = {
  { 'BITFIELD', key, 'INCRBY', 'u32', '0', '1' }, { 'DEL', key }, { 'EXISTS', key }, { 'EVALSHA', 'sha', '1', key }, { 'GET', key }, { 'GETRANGE', key, '0', '0' },
  { 'HDEL', key, 'f' }, { 'HEXISTS', key, 'f' }, { 'HGET', key, 'f' }, { 'HGETALL', key }, { 'HINCRBY', key, 'f', '1' },
  { 'HKEYS', key }, { 'HLEN', key }, { 'HMGET', key, 'f' }, { 'HSCAN', key, '0' }, { 'HSET', key, 'f', 'v' }, { 'HSETNX', key, 'f', 'v' },
  { 'HSTRLEN', key, 'f' },
  { 'LINDEX', key, '0' }, { 'LLEN', key }, { 'LPOP', key }, { 'LPOS', key, 'v' }, { 'LPUSH', key, 'v' }, { 'LRANGE', key, '0', '0' }, { 'LSET', key, '0', 'v' }, { 'LTRIM', key, '0', '0' }, { 'PEXPIRE', key, '1' }, { 'PEXPIREAT', key, '1' }, { 'PERSIST', key },
  { 'PING' }, { 'PTTL', key },
  { 'RPUSH', key, 'v' }, { 'SADD', key, 'v' }, { 'SCARD', key }, { 'SCRIPT', 'LOAD', 'return 1' }, { 'SET', key, 'v' }, { 'SETRANGE', key, '0', 'v' },
  { 'SISMEMBER', key, 'v' }, { 'SMEMBERS', key }, { 'SMISMEMBER', key, 'v' }, { 'SREM', key, 'v' }, { 'TIME' }, { 'TYPE', key }, { 'UNLINK', key }, { 'WAIT', '0', '1' },
  { 'XADD', key, '*', 'f', 'v' }, { 'XDEL', key, '0-1' }, { 'XREVRANGE', key, '+', '-' }, { 'XTRIM', key, 'MAXLEN', '1' },
  { 'SPUBLISH', channel, 'v' }, { 'SSUBSCRIBE', channel },
  { 'ZADD', key, '1', 'v' }, { 'ZCARD', key }, { 'ZCOUNT', key, '0', '1' }, { 'ZLEXCOUNT', key, '[a', '(b' }, { 'ZMSCORE', key, 'v' }, { 'ZPOPMAX', key }, { 'ZRANGE', key, '0', '1' },
  { 'ZRANGEBYSCORE', key, '0', '1' }, { 'ZREM', key, 'v' }, { 'ZREMRANGEBYLEX', key, '[a', '(b' }, { 'ZREVRANGE', key, '0', '1' },
  { 'ZREVRANGEBYSCORE', key, '1', '0' }, { 'ZSCORE', key, 'v' },
}
-- What only one of them uses.
local only = { LPOS = 'operator', LTRIM = 'worker', SSUBSCRIBE = 'worker', ZREVRANGEBYSCORE = 'operator' }
local denied = {}
for _, command in ipairs(used) do
  local whose = only[command[1]] or ARGV[1]
  -- A command that was renamed is an error here, whoever uses it: its new name is nobody's.
  local known, allowed = pcall(redis.acl_check_cmd, unpack(command))
  if not known or (whose == ARGV[1] and not allowed) then
    denied[#denied + 1] = command[1] == 'SCRIPT' and 'SCRIPT LOAD' or command[1]
  end
end
return denied
