-- Reads the notices that have waited longest.
--
-- KEYS  1 notices  2 data
-- ARGV  1 how many at the most
-- Returns {what stands there of one (part/notices.lua), what stands of its job in data (without its payload where the notice says the kind),
--          or false, …}: fewer where payloads are large
-- Parts: record, header, value
local rows, room = {}, 1048576
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  local kind, job = member:match('^%d+\n[^\n]*\n([^\n]*)\n[^\n]*\n[^\n]*\n(.*)$')
  local value = false
  if job then
    if kind ~= '' then
      value = header_of(KEYS[2], job)
    else
      value = value_of(KEYS[2], job)
      if type(value) ~= 'string' then value = false end
    end
    room = room - (value and #value or 0)
  end
  if room < 0 and #rows > 0 then break end
  rows[#rows + 1] = member
  rows[#rows + 1] = value
end
return rows
