-- What stands of a group of dead letters: "<version> <grew> <counts> <what its letters have in common, in JSON>".
--   version  of the worker that made its first letter, "-" = not known
--   grew     when it got its last letter, ms since the epoch. That one may have left since
--   counts   how many letters it got: "m<n>:<letters>" in the n-th ten minutes since the epoch, of the last hour, and
--            "h<n>:<letters>" in the n-th hour, of the last day; with "," between them

-- So many of each are kept, the one that is not over among them.
local GROWTH = { m = { 600000, 7 }, h = { 3600000, 24 } }

-- counted(counts, n): the counts, with n letters more now.
local function counted(counts, n)
  local kept = {}
  for _, unit in ipairs({ 'm', 'h' }) do
    local length, keep = unpack(GROWTH[unit])
    local this, before = math.floor(now / length), 0
    for of, at, letters in counts:gmatch('(%a)(%d+):(%d+)') do
      if of == unit and tonumber(at) == this then
        before = tonumber(letters)
      elseif of == unit and tonumber(at) < this and this - at < keep then
        kept[#kept + 1] = of .. at .. ':' .. letters
      end
    end
    kept[#kept + 1] = string.format('%s%.0f:%.0f', unit, this, before + n)
  end
  return table.concat(kept, ',')
end

-- grow(groups, deaths): notes that groups got letters, all in two commands. deaths: {group = {how many, "<version of the worker>
-- <what they have in common>"}}, at most 256 groups.
local function grow(groups, deaths)
  local names, rows = {}, {}
  for group in pairs(deaths) do names[#names + 1] = group end
  if #names == 0 then return end
  local known = tried('HMGET', groups, unpack(names)) or {}
  for n, group in ipairs(names) do
    local letters, described = unpack(deaths[group])
    local version, counts, common = (known[n] or ''):match('^(%S+) %d+ (%S+) (.*)$')
    if not version then
      version, common = described:match('^(%S+) (.*)$')
      counts = ''
    end
    rows[#rows + 1] = group
    rows[#rows + 1] = (version or '-') .. ' ' .. stamp .. ' ' .. counted(counts, letters) .. ' ' .. (common or described)
  end
  write_or_replace('HSET', groups, unpack(rows))
end
