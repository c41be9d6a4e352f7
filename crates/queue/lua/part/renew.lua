-- renewed(value, due): what stands of a job in data, with its time again: it is due then (in ms), and expires as long after that as it
-- did after it was first due. One without an expiry of its own has that of its kind, which counts from when it was due. Nil
-- where there is no header to write that into.
local function renewed(value, due)
  local before = header(value)
  if not before then return nil end
  local first_due = before.due or before.at
  local expires = before.expires and before.expires > first_due and due + before.expires - first_due or nil
  local from = begin_header(due, expires)
  -- When it was enqueued stays, and that it has a record.
  return value:sub(1, 7) .. from:sub(8) .. value:sub(before.rest)
end
