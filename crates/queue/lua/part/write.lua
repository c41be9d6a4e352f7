-- write(record, fields): writes into a job's record. A record of the wrong type is not ours: ours takes its place, so that what
-- is known of the job is written whatever was there.
local function write(record, fields)
  if #fields > 0 then write_or_replace('HSET', record, unpack(fields)) end
end
