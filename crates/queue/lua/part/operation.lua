-- A replay operation: one hash, which any process advances.
--   what      the letters it is of: "all", "group:<group>", or "named": those in the sorted set <its key>:letters
--   by, why   who asked for it, and why
--   fresh     "fresh": each letter gets its time again
--   rate      letters a second, 0 = as fast as it goes
--   state     running; watching (all are moved, first runs are still out); stopped, cancelled, done
--   cutoff    what died later is not replayed, in seconds
--   score, id its cursor: the letter it moved last
--   stepped   up to when its rate is used up, ms
--   begun, heard, ended   when it began, was last heard of (a letter moved, a first run reported), ended, in ms
--   total, moved          how many letters there were at the cut-off, how many are moved
--   completed, again, otherwise   how many first runs completed, failed of what the letter had died of, or of something else
--   last      the last 20 reports, a line each: s; f and the cause; o and the cause
--   cause     why it stopped itself

-- finish(key, open, log, state, more): ends an operation, and tells the audit. more: {by =, reason =, result =}
local function finish(key, open, log, state, more)
  local id = key:match('([^:]*)$')
  local what, moved = unpack(redis.call('HMGET', key, 'what', 'moved'))
  redis.call('HSET', key, 'state', state, 'ended', stamp)
  redis.call('SREM', open, id)
  local actions = { stopped = 'replay_stopped', cancelled = 'replay_cancel', done = 'replay_done' }
  audit(log, {
    act = id, by = more.by or 'longshore', action = actions[state], target = what, reason = more.reason,
    result = more.result or (moved .. ' replayed'),
  })
end
