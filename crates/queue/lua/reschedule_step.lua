-- A step of an operation that gives many jobs another time: some that one process has found, and from where the next one goes on. If
-- somebody else has made that step, nothing is done. What waits no more by now is left alone, and so is what is broken: a job of which
-- nothing stands, or whose record is lost.
--
-- KEYS  as part/waiting_keys.lua has them, then  1 operations  2 open operations; then of each job what another program wrote of it (meta:<id>)
-- ARGV  1 id of the operation  2 its cursor as it was found  3 its cursor from now on  4 how many jobs were looked at
--       5 "over" with the last step, or ""  6 who carries it on; then the ids, at most 250
-- Returns made; elsewhere (somebody else has made it); or closed (it does not run any more)
-- Parts: now, write_or_replace, wake, record, header, value, lanes, renew, letters, audit, operation, parked, homes, reschedule, waiting_keys
local operations, open = more_key(1), more_key(2)
local state, cursor, by, why, due, target = of_operation(operations, ARGV[1], 'state', 'cursor', 'by', 'why', 'due', 'words')
if state ~= 'running' then
  redis.call('SREM', open, ARGV[1])
  return 'closed'
end
if cursor ~= ARGV[2] then return 'elsewhere' end
may_audit(k.audit)
-- Asked before any is taken out: it must not be without its place.
redis.call('LLEN', k.active)
redis.call('HGET', k.timeline, 'left')
local ids = { unpack(ARGV, 7) }
local counts, any_high, seen = { done = 0, failed = 0, looked = tonumber(ARGV[4]) }, false, {}
for n, found in ipairs(#ids > 0 and homes(k, ids) or {}) do
  local id, home, record = ids[n], found[1], found[2]
  local waits = home == 'scheduled' or home == 'retryable' or home == 'pending' or home == 'parked'
  if waits and not seen[id] then
    seen[id] = true
    local length = redis.call('HSTRLEN', k.data, id)
    local is_lost = not tells_runs(record) and redis.call('HGET', k.data, id)
    if length == 0 or (is_lost and is_lost:byte(1) == 2) then
      counts.failed = counts.failed + 1
    else
      local changed, high = reschedule(k, id, home, record, tonumber(due), more_key(2 + n))
      -- One that is due then already may have been found before, where it waited then: it is not counted.
      if changed then counts.done = counts.done + 1 end
      any_high = any_high or high
    end
  end
end
note_operation(operations, ARGV[1], 'cursor', ARGV[3], 'busy', string.format('%.0f %s', now + BUSY, ARGV[6]))
for name, count in pairs(counts) do
  if count > 0 then count_operation(operations, ARGV[1], name, count) end
end
if counts.done > 0 then
  audit(k.audit, {
    act = ARGV[1], by = by or '', action = 'reschedule', target = target or '', reason = why or '', count = counts.done,
    result = tonumber(due) <= now and 'due now' or 'due at ' .. seconds(tonumber(due)),
  })
  if tonumber(due) < now + 2000 then wake(k.idle, any_high) end
end
if ARGV[5] == 'over' then finish(operations, ARGV[1], open, k.audit, 'done', {}) end
return 'made'
