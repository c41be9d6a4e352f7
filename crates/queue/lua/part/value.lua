-- value_of(data, id): what stands of a job in data; false if nothing does; the length, as a number, of what is too large.
local function value_of(data, id)
  local length = tried('HSTRLEN', data, id)
  if not length then return false end
  return length > MOST_VALUE and length or tried('HGET', data, id)
end

-- header_of(data, id): only its header, if it has one. Reads all of it.
local function header_of(data, id)
  local value = value_of(data, id)
  local before = type(value) == 'string' and header(value)
  return before and value:sub(1, before.payload - 1) or false, type(value) == 'string' and #value or 0
end
