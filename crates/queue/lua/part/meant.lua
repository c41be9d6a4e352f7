-- meaning(keys, text): of which letters an operation is, beside its group: `only` of part/operation.lua. A function that says of an id
-- whether it is meant, and how many bytes it has read. nil: all are meant. What cannot be read means none. As LetterFilter has it
-- (filter.rs); the kind is the one of the letter's group. Where deliveries are asked for, `2 ` stands before it: a version that knows
-- none of them then means no letter. keys: {records =, groups =, data =, deliveries =}
local function meaning(keys, text)
  if (text or '') == '' then return nil end
  local sound, only = pcall(cjson.decode, text:match('^2 (.*)$') or text)
  if not sound or type(only) ~= 'table' then return function() return false, 0 end end
  local kinds = {}
  -- The kind of a group's letters, read once.
  local function kind_of(group)
    if group and kinds[group] == nil then
      local common = (tried('HGET', keys.groups, group) or ''):match('^%S+ %d+ %S+ (.*)$')
      local read, described = pcall(cjson.decode, common or '')
      kinds[group] = read and type(described) == 'table' and described.kind or false
    end
    return group and kinds[group]
  end
  -- Whether a text, "<kind>:<name>", is of this name.
  local function names(key) return key and key:match('^[^:]*:(.*)$') == only.key end
  return function(id)
    local packed = tried('HGET', keys.records, id)
    local record, bytes = unpacked(packed), packed and #packed or 0
    if only.kind and kind_of(group_of(record)) ~= only.kind then return false, bytes end
    if only.delivery then
      local state = delivery_state(keys.deliveries, record)
      local result = not state and 'unknown' or (only.states or {})[state] or 'accepted'
      if result ~= only.delivery then return false, bytes end
    end
    if not (only.tenant or only.tag or only.key) then return true, bytes end
    local head, length = header_of(keys.data, id)
    local h = head and header(head) or {}
    bytes = bytes + length
    if only.tenant and (record.lane or h.lane or ''):sub(2) ~= only.tenant then return false, bytes end
    local tags = '\n' .. (record.tags or h.tags or '') .. '\n'
    if only.tag and not tags:find('\n' .. only.tag .. '\n', 1, true) then return false, bytes end
    if only.key and not (names(record.key or h.key) or record.idempotency_key == only.key) then return false, bytes end
    return true, bytes
  end
end

-- next_meant(keys, op, group, want, page): the next letters of an operation that are meant, at most `want`: their ids, the letter that was
-- looked at last and when it died, how many were looked at, and whether there are more to look at. group: its group, nil = all of the queue.
-- At most `page` letters are looked at, and some MiB. keys: as meaning has them, with dead and letters.
local function next_meant(keys, op, group, want, page)
  local is_meant = meaning(keys, op.only)
  local most = is_meant and page or want
  local ids, score = following(keys.dead, keys.letters, group, op.score, op.id, op.cutoff, most)
  if not is_meant then return ids, ids[#ids], score, #ids, #ids == most end
  local chosen, looked, bytes = {}, 0, 0
  while looked < #ids and #chosen < want and bytes < 4194304 do
    looked = looked + 1
    local meant, read = is_meant(ids[looked])
    if meant then chosen[#chosen + 1] = ids[looked] end
    bytes = bytes + read
  end
  local more = looked < #ids or #ids == most
  if looked < #ids then
    ids, score = following(keys.dead, keys.letters, group, op.score, op.id, op.cutoff, looked)
  end
  return chosen, ids[looked], score, looked, more
end
