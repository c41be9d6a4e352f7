-- An operation: an act on many jobs, one hash, which any process carries on.
--   act       cancel: what waits is cancelled; absent = a replay of dead letters
--   by, why   who asked for it, and why
--   state     running; watching (of a replay: all are moved, first runs are still out); stopped, cancelled, done
--   begun, ended   when, in ms
--   total     how many jobs there were when it began
-- Of a replay:
--   what      the letters it is of: "all", "group:<group>", or "named": those in the sorted set <its key>:letters
--   fresh     "fresh": each letter gets its time again
--   rate      letters a second, 0 = as fast as it goes
--   cutoff    what died later is not replayed, in seconds
--   score, id its cursor: the letter it moved last
--   stepped   up to when its rate is used up, ms
--   heard     when it was last heard of (a letter moved, a first run reported), in ms
--   moved     how many are moved
--   completed, again, otherwise   how many first runs completed, failed of what the letter had died of, or of something else
--   last      the last 20 reports, a line each: s; f and the cause; o and the cause
--   cause     why it stopped itself
-- Of a cancel:
--   filter, words   which jobs, in JSON (JobFilter) and in words. What was enqueued after it began is not meant
--   force     "force": also what may have been sent
--   cursor    "<which place> <how far>" (cancel_many.rs)
--   busy      "<until ms> <who>": who looks for jobs for it now, so that others need not
--   done, failed, looked   how many are cancelled, could not be, and were looked at

-- So long one process has an operation to itself, from its last step.
local BUSY = 1000

-- finish(key, open, log, state, more): ends an operation, and tells the audit. more: {by =, reason =, result =}
local function finish(key, open, log, state, more)
  local id = key:match('([^:]*)$')
  local what, moved, act, words, done, failed = unpack(redis.call('HMGET', key, 'what', 'moved', 'act', 'words', 'done', 'failed'))
  redis.call('HSET', key, 'state', state, 'ended', stamp)
  redis.call('SREM', open, id)
  local actions = { stopped = 'replay_stopped', cancelled = 'replay_cancel', done = 'replay_done' }
  local result = more.result or ((moved or '0') .. ' replayed')
  if act then
    actions = { cancelled = act .. '_cancel', done = act .. '_done' }
    result = (done or '0') .. ' cancelled' .. (failed and failed ~= '0' and ', ' .. failed .. ' not' or '')
  end
  audit(log, {
    act = id, by = more.by or 'longshore', action = actions[state], target = what or words or '', reason = more.reason, result = result,
  })
end

-- remember(operations, open, prefix, id): notes one that begins. The last hundred are remembered.
local function remember(operations, open, prefix, id)
  redis.call('ZADD', operations, now, id)
  redis.call('SADD', open, id)
  for _, old in ipairs(redis.call('ZRANGE', operations, 0, -101)) do
    if redis.call('SISMEMBER', open, old) == 0 then
      redis.call('ZREM', operations, old)
      redis.call('DEL', prefix .. ':' .. old, prefix .. ':' .. old .. ':letters')
    end
  end
end
