-- SPDX-License-Identifier: MIT
-- What the C module docmsg.engine offers: the settlement engine, which decides what record of a
-- consumer runs next, what may be committed, when to retry and when to hold back. The runtime
-- drives it from C; here it is for specs, which bring their own clock. This file is never loaded.
--
-- Times are integers, in milliseconds since any moment. Partitions and lanes are numbers from 0 on.
-- Wrong arguments, a record of another engine and a record that is not where it would have to be
-- raise.
---@meta docmsg.engine

---@class docmsg.engine
local engine = {}

---@class docmsg.EngineOptions
---@field order? "key"|"partition"|"none" what runs one after the other; default "key"
---@field lanes? integer how many records run at once, 1 to 1,024; default 1
---@field max_admitted? integer records of a partition that are not settled; default 10,000
---@field max_span? integer offsets from a partition's lowest unsettled to its newest; default 100,000
---@field max_bytes? integer of all records that are not settled; default 32 MiB

---@class docmsg.Engine
local Engine = {}

---A record as the engine knows it.
---@class docmsg.Entry
---@field partition integer
---@field offset integer
---@field key string|integer|nil
---@field bytes integer
---@field admitted_at integer
---@field attempt integer 1 when it is handed out for the first time
---@field lane integer once it was handed out
---@field state "free"|"queued"|"running"|"done" free: no longer the engine's

---An engine without partitions.
---@param options? docmsg.EngineOptions
---@return docmsg.Engine
function engine.new(options) end

---Begins an epoch of a partition.
---@param committed? integer the offset it is read from, when that is known
---@return integer partition its number, which is given again once the partition is idle
function Engine:assign(committed) end

---What is queued or waits for a retry is dropped, nothing more is admitted or handed out; what was
---handed out still settles.
---@param partition integer
---@return docmsg.Entry[] dropped in no order
function Engine:drain(partition) end

---Ends the epoch, after a drain: what was handed out is late.
---@param partition integer
---@return docmsg.Entry[] dropped in no order
function Engine:revoke(partition) end

---Is the partition revoked, with none of its records handed out?
---@param partition integer
---@return boolean
function Engine:idle(partition) end

---Takes a record.
---@param record {partition: integer, offset: integer, key?: string|integer, bytes?: integer}
---@param now integer
---@return docmsg.Entry? entry
---@return "not_assigned"|"out_of_order"? reason
function Engine:admit(record, now) end

---Hands out the next record for a lane and counts its attempt.
---@param lane integer
---@param now integer
---@return docmsg.Entry? entry nil: there is none now
function Engine:next(lane, now) end

---Might `next` have something for that lane?
---@param lane integer
---@return boolean
function Engine:ready(lane) end

---The handler returned and its emits are with the producer: the key may go on.
---@param entry docmsg.Entry
function Engine:done(entry) end

---Ends a record.
---@param entry docmsg.Entry
---@param outcome "ack"|"dead"|"skip"|"cancelled"
---@param now integer
---@return boolean accepted false: it is late and counts as cancelled
function Engine:settle(entry, outcome, now) end

---A record that failed, and its key, wait until `due`.
---@param entry docmsg.Entry
---@param due integer
---@param now integer
---@return boolean accepted false: its partition has ended
function Engine:retry(entry, due, now) end

---A record was handed out, but not run: it takes its place again and its attempt is not counted.
---@param entry docmsg.Entry
---@return boolean accepted false: its partition has ended
function Engine:unrun(entry) end

---When `next` should be called because a retry is due.
---@return integer? due nil: none waits for the time
function Engine:due() end

---Takes a partition whose committable offset has grown since it was taken.
---@return integer? partition
---@return integer? offset of the next record to read
function Engine:commit() end

---A commit that was taken did not succeed: the partition's is offered again.
---@param partition integer
function Engine:recommit(partition) end

---@param partition integer
---@return integer? offset of the next record to read; nil: nothing is known
function Engine:committable(partition) end

---Takes a partition that is to be held back from now on, or no longer.
---@return integer? partition
---@return boolean? hold
function Engine:flow() end

---Is the partition to be held back?
---@param partition integer
---@return boolean
function Engine:held(partition) end

---Counts. `admitted = acked + dead + skipped + cancelled + in_flight`, and
---`in_flight = queued + running + done`; `oldest` is when the oldest unsettled record was admitted.
---@return {admitted: integer, acked: integer, dead: integer, skipped: integer, cancelled: integer, retries: integer, in_flight: integer, queued: integer, running: integer, done: integer, bytes: integer, parked_keys: integer, partitions: integer, held: integer, held_admitted: integer, held_span: integer, held_bytes: integer, oldest: integer?}
function Engine:stats() end

---@param partition integer
---@return {newest: integer, in_flight: integer, lowest: integer?, oldest: integer?} stats `lowest` and `oldest` are of the unsettled records
function Engine:partition_stats(partition) end

---Frees the engine; later calls raise.
function Engine:close() end

return engine
