-- Corrects the args of a dead letter. Its idempotency key gets a new generation, since the provider may remember its
-- answer to the old args; the old ones are kept in the history.
--
-- KEYS  1 dead  2 meta (prefix)  3 data  4 audit
-- ARGV  1 id  2 payload that is to be replaced  3 payload  4 "force" if its outcome may be unknown  5 by whom  6 why
--       7 history entry in JSON
-- Returns edited, same (it was so already), dead (it is not, any more), changed (its payload is another one by now), or
--         unknown (a request of it may have been carried out: not without force)
local dead, meta, data, log = unpack(KEYS)
local id = ARGV[1]
local record = meta .. ':' .. id
if not redis.call('ZSCORE', dead, id) then return 'dead' end
local payload = redis.call('HGET', data, id)
if payload == ARGV[3] then return 'same' end
if payload ~= ARGV[2] then return 'changed' end
local used, lost, gen, sent, entries = (field(record, 'run') or ''):match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
if sent and sent ~= '0' and ARGV[4] ~= 'force' then return 'unknown' end
may_audit(log)
local entry = (entries or 0) + 1
redis.call('HSET', data, id, ARGV[3])
redis.call('HSET', record,
  'run', table.concat({ used or 0, lost or 0, (gen or 0) + 1, sent or 0, entry }, ' '),
  'h' .. entry, stamp .. ' ' .. ARGV[7])
if entry > 10 then redis.call('HDEL', record, 'h' .. (entry - 10)) end
audit(log, {
  by = ARGV[5], action = 'edit', target = id, reason = ARGV[6],
  result = sent and sent ~= '0' and 'although its outcome was unknown' or '',
})
return 'edited'
