-- field(record, name) and fields(record): of a job's record, which anybody may have overwritten with another type: then
-- it is as good as none, and must not stop what looks at other jobs.
local function field(record, name)
  local value = redis.pcall('HGET', record, name)
  return type(value) ~= 'table' and value
end
local function fields(record)
  local all = redis.pcall('HGETALL', record)
  return all.err and {} or all
end
