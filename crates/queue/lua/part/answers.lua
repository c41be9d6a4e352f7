-- What a provider's last calls came to, in a field of `stats`: "answers" of the queue's own provider, "answers:f" of its
-- fallback. Twenty entries, the newest last, each of the same length: "<ms><word><status>,"
--   word    s it answered  f it failed  l it was not reached  h it asked for a wait  u it refused our credentials
--   status  its HTTP status, 000 = not known
-- What a caller tells of calls: "<p, or f for the fallback>:<calls>:<answered>:<failed>:<word><status><word><status>… …", the
-- words of the last twenty.
local ANSWERS = { length = 18, most = 20 }

-- last_answers(calls, known): {field = what stands there from now on}. known(field): what stands there.
local function last_answers(calls, known)
  local found = {}
  for which, words in calls:gmatch('([pf]):%d+:%d+:%d+:(%S*)') do
    local added, n = words:gsub('%a%d%d%d', function(word) return stamp .. word .. ',' end)
    local field = which == 'p' and 'answers' or 'answers:f'
    local kept = ANSWERS.length * math.max(0, ANSWERS.most - n)
    found[field] = (kept > 0 and (known(field) or ''):sub(-kept) or '') .. added
  end
  return found
end

-- count_with_answers(stats, counts, calls): counts by name, and notes what calls came to, in two commands however many there are.
local function count_with_answers(stats, counts, calls)
  local names, values, written = {}, {}, {}
  for name, n in pairs(counts) do
    if n > 0 then names[#names + 1] = name end
  end
  if calls ~= '' then
    names[#names + 1] = 'answers'
    names[#names + 1] = 'answers:f'
  end
  if #names == 0 then return end
  local known = tried('HMGET', stats, unpack(names)) or {}
  for n, name in ipairs(names) do
    values[name] = known[n] or nil
    if counts[name] then
      -- What is no number there begins anew.
      local before = tonumber(known[n] or nil) or 0
      written[#written + 1] = name
      written[#written + 1] = string.format('%.0f', before + counts[name])
    end
  end
  for field, text in pairs(last_answers(calls, function(field) return values[field] end)) do
    written[#written + 1] = field
    written[#written + 1] = text
  end
  write_or_replace('HSET', stats, unpack(written))
end
