-- discard(k, ids, given, keep, in_order): removes dead letters for good, at most 1000. k: {dead, letters, groups, records, data, stats, lane}.
-- given: the idempotency keys that were passed; of a letter that was surely never carried out the key is free, of another it stays for
-- its time, or `keep` ms. in_order: as part/bring_out.lua has it. before: asked once all keys are there, before anything is done.
-- Returns the keys that were not passed: then nothing was done; or nil.
local function discard(k, ids, given, keep, in_order, before)
  local key_of, wanted = {}, {}
  for n, id in ipairs(ids) do
    local head = header(redis.call('HGET', k.data, id))
    key_of[n] = head and head.key
    wanted[#wanted + 1] = key_of[n]
  end
  local missing = missing_keys(given, wanted)
  if #missing > 0 then return missing end
  before()
  if #ids == 0 then return nil end
  -- Asked before any is taken out: a letter that is in no list could not be discarded again.
  redis.call('HLEN', k.data)
  local known = records_of(k.records, ids)
  bring_out(k.dead, k.groups, k.letters, known, ids, in_order)
  for n, id in ipairs(ids) do
    local name = given[key_of[n]]
    if name and sent_of(known[n], k.data, id) == 0 then
      free_key(name, id)
    elseif name then
      end_key(name, id, keep)
    end
  end
  redis.call('HDEL', k.data, unpack(ids))
  redis.call('HDEL', k.records, unpack(ids))
  redis.pcall('HDEL', k.lane, unpack(ids))
  count(k.stats, 'discarded', #ids)
end
