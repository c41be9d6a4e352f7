-- field(record, name) and fields(record): of a job's record, which anybody may have overwritten with another type: then
-- it is as good as none, and must not stop what looks at other jobs.
local function field(record, name)
  local value = redis.pcall('HGET', record, name)
  return type(value) ~= 'table' and value
end
-- payload(data, id): the bytes of a payload; false if there is none; for one of more than 256 KiB its length, as a number.
local function payload(data, id)
  local length = redis.call('HSTRLEN', data, id)
  return length > 262144 and length or redis.call('HGET', data, id)
end
local function fields(record)
  local all = redis.pcall('HGETALL', record)
  if all.err then return {} end
  -- Whatever stands there is read by people, or a program that has to stay small.
  for n = 1, #all do
    if #all[n] > 1048576 then all[n] = '' end
  end
  return all
end
-- tried(command, key, …): the answer, or false where the key is of another type than ours, and any other error. Only to look.
local function tried(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return false end
  return answer
end
