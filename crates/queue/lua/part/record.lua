-- tried(command, key, …): the answer, or false where the key is of another type than ours, and any other error. Only to look.
local function tried(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return false end
  return answer
end

-- fields(key): a hash, which anybody may have overwritten with another type: then it is as good as none, and must not stop
-- what looks at others.
local function fields(key)
  local all = redis.pcall('HGETALL', key)
  if all.err then return {} end
  -- Whatever stands there is read by people, or a program that has to stay small.
  for n = 1, #all do
    if #all[n] > 1048576 then all[n] = '' end
  end
  return all
end

-- A job's record: what has happened to it since it was enqueued. Nothing has to a fresh one, and it has none. One field of
-- the hash `records`, a map of text to text in MessagePack (keys.rs has its names).

-- unpacked(text): a record; an empty one where there is none, or what another program wrote there.
local function unpacked(text)
  if not text then return {} end
  local sound, record = pcall(cmsgpack.unpack, text)
  if not sound or type(record) ~= 'table' then return {} end
  for name, value in pairs(record) do
    if type(name) ~= 'string' or type(value) ~= 'string' then record[name] = nil end
  end
  return record
end

-- record_of(records, id)
local function record_of(records, id) return unpacked(redis.call('HGET', records, id)) end

-- records_of(records, ids): of several, in their order.
local function records_of(records, ids)
  local all = redis.call('HMGET', records, unpack(ids))
  for n = 1, #ids do all[n] = unpacked(all[n]) end
  return all
end

-- write_record(records, id, record)
local function write_record(records, id, record)
  if next(record) == nil then
    redis.call('HDEL', records, id)
  else
    redis.call('HSET', records, id, cmsgpack.pack(record))
  end
end

-- run_of(record): attempts used, times lost, generation of its key, whether a request may have been carried out (0 no, 1 by
-- its provider, 2 by the fallback), entries that its history ever had.
local function run_of(record)
  local used, lost, generation, sent, entries = (record.run or ''):match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  return tonumber(used or 0), tonumber(lost or 0), tonumber(generation or 0), tonumber(sent or 0), tonumber(entries or 0)
end

-- tells_runs(record): whether it has them: another program may have written over it.
local function tells_runs(record) return (record.run or ''):match('^%d+ %d+ %d+ %d+ %d+$') ~= nil end

-- sent_of(record, data, id): the fourth of these. Where the job's header says that it has a record, and there is none that
-- says so, it may have been.
local function sent_of(record, data, id)
  local _, _, _, sent = run_of(record)
  if tells_runs(record) then return sent end
  local value = redis.call('HSTRLEN', data, id) <= 1048576 and redis.call('HGET', data, id)
  return value and value:byte(1) == 2 and 1 or 0
end

-- set_run(record, …): the same in the same order.
local function set_run(record, ...) record.run = table.concat({ ... }, ' ') end

-- add_history(record, number, entry): the last ten entries are kept.
local function add_history(record, number, entry)
  record['h' .. number] = stamp .. ' ' .. entry
  record['h' .. (number - 10)] = nil
end

-- group_of(record): the group that a dead letter is in, or nil.
local function group_of(record) return (record['end'] or ''):match('^d(.*)$') end

-- cancelled_at(record): when the job was cancelled, in ms as text, or nil.
local function cancelled_at(record) return (record['end'] or ''):match('^x(%d+)') end
