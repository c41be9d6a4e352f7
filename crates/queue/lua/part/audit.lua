-- may_audit(log): fails where no act can be written down, since the key is another program's. Asked before anything is done:
-- what is not written down does not happen.
local function may_audit(log)
  redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
end

-- audit(log, entry): writes down what an operator has done, in the script that does it. entry: {act =, by =, action =,
-- target =, reason =, result =, count =}; count is how many letters it was done to, or nil.
-- A deed of many steps has an act of its own, and is one entry whose count grows, for as long as no other comes between.
-- Kept are 100,000 entries, and 400 days of them.
local function audit(log, entry)
  local count = entry.count
  if count and entry.act then
    local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    local fields = {}
    if last then
      for i = 1, #last[2], 2 do fields[last[2][i]] = last[2][i + 1] end
    end
    if fields.act == entry.act and fields.action == entry.action and fields.count then
      count = count + fields.count
      redis.call('XDEL', log, last[1])
    end
  end
  local parts = { 'by', entry.by, 'action', entry.action, 'target', entry.target }
  for _, name in ipairs({ 'reason', 'result', 'act' }) do
    if entry[name] and entry[name] ~= '' then
      parts[#parts + 1] = name
      parts[#parts + 1] = entry[name]
    end
  end
  if count then
    parts[#parts + 1] = 'count'
    parts[#parts + 1] = string.format('%.0f', count)
  end
  redis.call('XADD', log, 'MAXLEN', 100000, '*', unpack(parts))
  redis.call('XTRIM', log, 'MINID', '~', string.format('%.0f', math.max(0, now - 34560000000)))
end
