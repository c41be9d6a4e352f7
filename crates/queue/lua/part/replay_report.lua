-- judge_replay(last): why an operation has to stop itself, after these reports, or nil: ten in a row that failed of what
-- the letters had died of, or all of one other cause; or more than half of the last twenty, of what they had died of.
local function judge_replay(last)
  local again, row, cause = 0, 0, nil
  for i, report in ipairs(last) do
    local word = report:sub(1, 1)
    if word == 'f' then again = again + 1 end
    if word == 's' then
      row, cause = 0, nil
    elseif word == 'f' and last[i - 1] and last[i - 1]:sub(1, 1) == 'f' then
      row, cause = row + 1, report:sub(2)
    elseif word == 'o' and last[i - 1] == report then
      row = row + 1
    else
      row, cause = 1, report:sub(2)
    end
  end
  if row >= 10 then return cause end
  if #last == 20 and again > 10 then
    for i = #last, 1, -1 do
      if last[i]:sub(1, 1) == 'f' then return last[i]:sub(2) end
    end
  end
end

-- report_to_replays(all, open, records, log, places): what runs of replayed jobs came to, told to their operations. all: of the queue. places:
-- where in ARGV each begins: job, operation, word, cause. word, of a first run: s completed, f failed of what it had died of, o failed of
-- another cause; in upper case when it was a probe, so that its first attempt is still to come. Of a later one: c completed. That one dies, or
-- is cancelled, its record says (count_end).
local function report_to_replays(all, open, records, log, places)
  local operations = {}
  for _, at in ipairs(places) do
    local operation = ARGV[at + 1]
    operations[operation] = operations[operation] or {}
    table.insert(operations[operation], at)
  end
  for operation, reports in pairs(operations) do
    local state, text = of_operation(all, operation, 'state', 'last')
    local counts, last, cause, first_runs = { s = 0, f = 0, o = 0, c = 0 }, {}, nil, false
    for line in (text or ''):gmatch('[^\n]+') do last[#last + 1] = line end
    for _, at in ipairs(reports) do
      local word = ARGV[at + 2]:lower()
      if word == ARGV[at + 2] then
        counts[word] = counts[word] + 1
        -- A job that completed keeps its mark until it is forgotten: nobody will look at it.
        if word == 'f' or word == 'o' then
          local record = record_of(records, ARGV[at])
          -- One that is dead by now has no mark: its end is counted.
          if record.op then
            record.op = operation .. ' !'
            write_record(records, ARGV[at], record)
          end
        end
      end
      if word ~= 'c' then
        first_runs = true
        last[#last + 1] = word .. ARGV[at + 3]
        if #last > 20 then table.remove(last, 1) end
        cause = cause or judge_replay(last)
      end
    end
    -- One that is forgotten is not begun anew.
    if state and counts.c > 0 then count_operation(all, operation, 'late', counts.c) end
    if state and first_runs then
      note_operation(all, operation, 'last', table.concat(last, '\n'), 'heard', stamp)
      count_operation(all, operation, 'completed', counts.s)
      count_operation(all, operation, 'again', counts.f)
      count_operation(all, operation, 'otherwise', counts.o)
      if cause and (state == 'running' or state == 'watching') then
        note_operation(all, operation, 'cause', cause)
        finish(all, operation, open, log, 'stopped', { reason = 'replayed jobs fail again', result = cause })
      end
    end
  end
end
