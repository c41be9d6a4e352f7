-- find_sought(p, facts, worker, want): at most so many parked jobs of the kinds that this worker says to know, those that were
-- parked first. Returns their ids, and what take_sought takes.
local function find_sought(p, facts, worker, want)
  local decoded, said = pcall(cjson.decode, tried('HGET', facts, worker) or '')
  local found, of_kinds = {}, {}
  if not decoded or type(said) ~= 'table' or type(said.kinds) ~= 'table' then return found, of_kinds end
  for _, kind in ipairs(said.kinds) do
    if #found >= want then break end
    if type(kind) == 'string' and tried('SISMEMBER', p.sought, kind) == 1 then
      local ids = tried('ZRANGE', p.parked .. ':' .. digest_of(kind), 0, want - #found - 1) or {}
      -- With none left, it is not sought any more.
      of_kinds[#of_kinds + 1] = { kind = kind, ids = #ids > 0 and ids or { '' } }
      for _, id in ipairs(ids) do found[#found + 1] = id end
    end
  end
  return found, of_kinds
end

-- take_sought(p, of_kinds): takes them out of the parked ones.
local function take_sought(p, of_kinds)
  for _, of in ipairs(of_kinds) do unpark(p, digest_of(of.kind), of.kind, of.ids) end
end
