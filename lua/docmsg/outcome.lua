-- SPDX-License-Identifier: MIT
-- What becomes of a record. The runtime knows the numbers.
return {
  ACK = 0,     -- handled
  RETRY = 1,   -- to be handled again, later
  DEAD = 2,    -- to be set aside
  SKIP = 3,    -- not for this consumer
  -- Not yet known:
  HOLD = 4,        -- it is kept for its batch
  BATCH_FIRST = 5, -- the batch that is kept has to run before
}
