-- Writes down what an operator is about to see or take away: before it is shown.
--
-- KEYS  1 audit
-- ARGV  1 by whom  2 action  3 what of  4 why  5 what came of it  6 act ("" = none)  7 of how many letters ("" = not counted)
-- Returns 1
audit(KEYS[1], {
  by = ARGV[1], action = ARGV[2], target = ARGV[3], reason = ARGV[4], result = ARGV[5],
  act = ARGV[6] ~= '' and ARGV[6], count = tonumber(ARGV[7]),
})
return 1
