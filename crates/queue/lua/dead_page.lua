-- A page of dead letters in the order of their deaths, whole: for going through all of them, however many, a bounded
-- number of letters and bytes a call.
--
-- KEYS  1 the letters to go through (all or one group's)  2 groups  3 meta (prefix)  4 data
-- ARGV  1 time of death of the letter to go on after, in seconds ("" = from the first)  2 its id  3 cut-off, time of death
--       in seconds  4 how many at the most
-- Returns {id, time of death in seconds, description of its group in JSON or false, payload or false,
--          record as {field, value, …}, …}; nothing when through
local letters, groups, meta, data = unpack(KEYS)
local ids = following(letters, ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]))
local answer, bytes = {}, 0
for _, id in ipairs(ids) do
  local record = fields(meta .. ':' .. id)
  local group = false
  for i = 1, #record, 2 do
    bytes = bytes + #record[i + 1]
    if record[i] == 'end' then group = record[i + 1]:match('^d(.*)$') end
  end
  local payload = tried('HSTRLEN', data, id) and payload(data, id)
  bytes = bytes + (type(payload) == 'string' and #payload or 0)
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('ZSCORE', letters, id)
  answer[#answer + 1] = group and tried('HGET', groups, group) or false
  answer[#answer + 1] = payload
  answer[#answer + 1] = record
  if bytes > 1048576 then break end
end
return answer
