-- Corrects the args of a dead letter. Its idempotency key gets a new generation, since the provider may remember its
-- answer to the old args; the old ones are kept in the history.
--
-- KEYS  1 dead  2 records  3 data  4 audit
-- ARGV  1 id  2 payload that is to be replaced  3 payload  4 "force" if its outcome may be unknown  5 by whom  6 why
--       7 history entry in JSON
-- Returns edited, same (it was so already), dead (it is not, any more), changed (its payload is another one by now), or
--         unknown (a request of it may have been carried out: not without force)
local dead, records, data, log = unpack(KEYS)
local id = ARGV[1]
if not redis.call('ZSCORE', dead, id) then return 'dead' end
local value = redis.call('HGET', data, id)
local before = header(value)
local payload = before and value:sub(before.payload) or value
if payload == ARGV[3] then return 'same' end
if payload ~= ARGV[2] then return 'changed' end
local record = record_of(records, id)
local used, lost, generation, _, entries = run_of(record)
local sent = sent_of(record, data, id)
if sent ~= 0 and ARGV[4] ~= 'force' then return 'unknown' end
may_audit(log)
redis.call('HSET', data, id, (before and value:sub(1, before.payload - 1) or '') .. ARGV[3])
set_run(record, used, lost, generation + 1, sent, entries + 1)
add_history(record, entries + 1, ARGV[7])
write_record(records, id, record)
audit(log, {
  by = ARGV[5], action = 'edit', target = id, reason = ARGV[6],
  result = sent ~= 0 and 'although its outcome was unknown' or '',
})
return 'edited'
