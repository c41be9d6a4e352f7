-- delivery_of(deliveries, record): what stands of the message that was sent for a job, in JSON (part/deliveries.lua), or false. Only to look.
local function delivery_of(deliveries, record)
  return record.msg and tried('HGET', deliveries, record.msg) or false
end

-- delivery_state(deliveries, record): how that message stands, in its provider's word: '' before the first one; nil where no message is known.
local function delivery_state(deliveries, record)
  if not record.msg then return nil end
  local sound, known = pcall(cjson.decode, delivery_of(deliveries, record) or '')
  return sound and type(known) == 'table' and type(known.state) == 'string' and known.state or ''
end
