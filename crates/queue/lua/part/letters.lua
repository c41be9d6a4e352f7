-- named(dead, ids): those of these ids, each once, that are dead letters.
local function named(dead, ids)
  local found, seen = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] and redis.call('ZSCORE', dead, id) then
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
