-- find_sought(p, facts, worker, want): at most so many parked jobs of the kinds that this worker says to know, those that were
-- parked first. Returns their ids, and what take_sought takes.
local function find_sought(p, facts, worker, want)
  local decoded, said = pcall(cjson.decode, tried('HGET', facts, worker) or '')
  local found, of_kinds = {}, {}
  if not decoded or type(said) ~= 'table' or type(said.kinds) ~= 'table' then return found, of_kinds end
  for _, kind in ipairs(said.kinds) do
    if #found >= want then break end
    if type(kind) == 'string' and tried('SISMEMBER', p.sought, kind) == 1 then
      local members, ids = of_kind(p, digest_of(kind), nil, want - #found)
      -- With none left, it is not sought any more.
      of_kinds[#of_kinds + 1] = { kind = kind, members = members, ids = ids }
      -- One that was cancelled, and whose record was lost, is listed and not parked.
      for n, score in ipairs(#ids > 0 and tried('ZMSCORE', p.parked, unpack(ids)) or {}) do
        if score then found[#found + 1] = ids[n] end
      end
    end
  end
  return found, of_kinds
end

-- take_sought(p, of_kinds): takes them out of the parked ones.
local function take_sought(p, of_kinds)
  for _, of in ipairs(of_kinds) do
    if #of.ids > 0 then redis.pcall('ZREM', p.parked, unpack(of.ids)) end
    leave_kind(p, digest_of(of.kind), of.kind, of.members)
  end
end
