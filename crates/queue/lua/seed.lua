-- For tests: writes fields into a job's record, or moves its times, as if all that had come about.
--
-- KEYS  1 data  2 records
-- ARGV  1 id  2 its times are so many ms earlier from now on; then for each field: name, value ("" = none)
-- Returns 1
-- Parts: now, record, header
local id, by = ARGV[1], tonumber(ARGV[2])
local record = record_of(KEYS[2], id)
for i = 3, #ARGV, 2 do record[ARGV[i]] = ARGV[i + 1] ~= '' and ARGV[i + 1] or nil end
if next(record) ~= nil and not record.run then set_run(record, 0, 0, 0, 0, 0) end
local value = redis.call('HGET', KEYS[1], id)
local before = header(value)
if before and by ~= 0 then
  local begins = begin_header(before.due and before.due - by, before.expires and before.expires - by)
  value = value:sub(1, 1) .. struct.pack('>I6', before.at - by) .. begins:sub(8) .. value:sub(before.rest)
  redis.call('HSET', KEYS[1], id, value)
end
for name, text in pairs(record) do
  -- What was noted of each run begins with its time.
  local at, rest = text:match('^(%d+)( .*)$')
  if at and by ~= 0 and name:match('^h%d+$') then
    rest = rest:gsub('"clock_ms":(%d+)', function(own) return string.format('"clock_ms":%.0f', own - by) end)
    record[name] = string.format('%.0f', at - by) .. rest
  end
end
write_record(KEYS[2], id, record)
local with_record = next(record) ~= nil and marked(value)
if with_record then redis.call('HSET', KEYS[1], id, with_record) end
return 1
