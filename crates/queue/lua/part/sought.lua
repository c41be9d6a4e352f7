-- take_sought(p, facts, worker, want): takes at most so many parked jobs of the kinds that this worker says to know, those that
-- were parked first. Returns their ids.
local function take_sought(p, facts, worker, want)
  local decoded, said = pcall(cjson.decode, redis.call('HGET', facts, worker) or '')
  local taken = {}
  if not decoded or type(said) ~= 'table' or type(said.kinds) ~= 'table' then return taken end
  for _, kind in ipairs(said.kinds) do
    if #taken >= want then break end
    if type(kind) == 'string' and redis.call('SISMEMBER', p.sought, kind) == 1 then
      local of_kind = digest_of(kind)
      local ids = redis.call('ZRANGE', p.parked .. ':' .. of_kind, 0, want - #taken - 1)
      -- With none left, it is not sought any more.
      unpark(p, of_kind, kind, #ids > 0 and ids or { '' })
      for _, id in ipairs(ids) do taken[#taken + 1] = id end
    end
  end
  return taken
end
