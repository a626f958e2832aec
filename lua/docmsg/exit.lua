-- SPDX-License-Identifier: MIT
-- The exit codes of the program, of its verbs and of its scripts.
return {
  DONE = 0,          -- done, or nothing to do
  FAILED = 1,        -- runtime error: connection, authentication, time-out
  USAGE = 2,         -- the command line, or a file named there
  PENDING = 3,       -- something differs from what is declared
  REFUSED = 4,       -- a guard said no; nothing was changed
  PARTLY = 5,        -- some of it was done
  STALE = 6,         -- the plan is not about this cluster as it is now
  UNCONVERGED = 7,   -- done, but not to be seen in time
  SIGNALLED = 128,   -- plus the number of the signal: 130 interrupted, 143 terminated
}
