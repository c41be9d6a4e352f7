-- named(dead, ids): those of these ids, each once, that are dead letters.
local function named(dead, ids)
  local found, seen = {}, {}
  local died = #ids > 0 and redis.call('ZMSCORE', dead, unpack(ids)) or {}
  for n, id in ipairs(ids) do
    if not seen[id] and died[n] then
      seen[id] = true
      found[#found + 1] = id
    end
  end
  return found
end

-- list(ids): as an audit names them: the first fifty, and how many more there are.
local function list(ids)
  local more = #ids > 50 and ' and ' .. (#ids - 50) .. ' more' or ''
  return table.concat(ids, ' ', 1, math.min(#ids, 50)) .. more
end
