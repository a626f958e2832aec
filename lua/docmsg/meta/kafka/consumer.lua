-- SPDX-License-Identifier: MIT
-- docmsg.kafka: the consumer, and the messages it reads.
-- This file is never loaded.
---@meta _

---@class docmsg.ConsumerOptions : docmsg.ClientOptions
---@field group? string consumer group; needed for `subscribe` and commits
---@field instance_id? string static membership (group.instance.id)
---@field topics? string[] subscribed at once; "^..." is a pattern
---@field start? "earliest"|"latest"|"error" where a partition without a committed offset begins; default "earliest"
---@field on_assign? fun(partitions: docmsg.TopicPartition[], consumer: docmsg.Consumer): docmsg.Offset[]? partitions were gained; offsets returned are where to start
---@field on_revoke? fun(partitions: docmsg.TopicPartition[], consumer: docmsg.Consumer) partitions are about to be given up: the last chance to commit
---@field on_lost? fun(partitions: docmsg.TopicPartition[], consumer: docmsg.Consumer) partitions are already somebody else's: do not commit

---@class docmsg.Consumer : docmsg.Client
local consumer = {}

---@param topics string[] "^..." is a pattern
---@return boolean? ok
---@return docmsg.Error? err
function consumer:subscribe(topics) end

---@return boolean? ok
---@return docmsg.Error? err
function consumer:unsubscribe() end

---@return string[] topics
function consumer:subscription() end

---Reads the given partitions, outside of any group balance. An empty list ends it.
---@param offsets (docmsg.TopicPartition|docmsg.Offset)[] `offset` may also be "earliest", "latest" or "committed" (default)
---@return boolean? ok
---@return docmsg.Error? err
function consumer:assign(offsets) end

---@return docmsg.TopicPartition[] partitions
function consumer:assignment() end

---The next record. Rebalance hooks and event handlers run inside this call.
---@param timeout? docmsg.Duration default "1s"
---@return docmsg.Message? message nil when nothing arrived in time
---@return docmsg.Error? err
function consumer:poll(timeout) end

---Up to `max` records, as soon as there are any.
---@param max integer
---@param timeout? docmsg.Duration default "1s"
---@return docmsg.Message[]? messages empty when nothing arrived in time
---@return docmsg.Error? err
function consumer:batch(max, timeout) end

---Iterates over records; raises errors.
---@param idle? docmsg.Duration ends when nothing arrived for so long; default "forever"
---@return fun(): docmsg.Message?
function consumer:messages(idle) end

---Iterates over batches; raises errors.
---@param max integer
---@param idle? docmsg.Duration ends when nothing arrived for so long; default "forever"
---@return fun(): docmsg.Message[]?
function consumer:batches(max, idle) end

---@class docmsg.PrintOptions
---@field max? integer ends after so many records
---@field ends? integer[] by partition + 1: the first offset that is not wanted. Where it was reached, or the partition has no more (with enable.partition.eof=true), it becomes 0
---@field timeout? docmsg.Duration ends when nothing came for so long; default "1s"
---@field within? docmsg.Duration ends after so long, also where there is more; default "forever"
---@field choose? fun(message: docmsg.Message): boolean|string|nil true prints the record, a string is printed as a line instead. The message is lent for the call: keep `message:copy()`

---Prints records, without a Lua value for each unless there is `choose`.
---@param printer docmsg.Printer
---@param options? docmsg.PrintOptions
---@return integer? count how many were printed
---@return boolean|docmsg.Error done `max` or all `ends` were reached; or why it failed
function consumer:print(printer, options) end

---Commits offsets and waits for the broker. A message in the list stands for its own offset + 1.
---@param offsets (docmsg.Offset|docmsg.Message)[]
---@param timeout? docmsg.Duration default "30s"
---@return boolean? ok
---@return docmsg.Error? err
function consumer:commit(offsets, timeout) end

---Keeps offsets for the automatic commit, when enable.auto.commit=true.
---@param offsets (docmsg.Offset|docmsg.Message)[]
---@return boolean? ok
---@return docmsg.Error? err
function consumer:store(offsets) end

---Moves the position of assigned partitions. Where "earliest" and "latest" are is asked of the broker.
---@param offsets docmsg.Offset[] `offset` may also be "earliest" or "latest"
---@param timeout? docmsg.Duration default "30s"
---@return boolean? ok
---@return docmsg.Error? err
function consumer:seek(offsets, timeout) end

---@param partitions? docmsg.TopicPartition[] default: all assigned
---@return boolean? ok
---@return docmsg.Error? err
function consumer:pause(partitions) end

---Resumes partitions; those that are not paused are left alone.
---@param partitions? docmsg.TopicPartition[] default: all paused
---@return boolean? ok
---@return docmsg.Error? err
function consumer:resume(partitions) end

---@return docmsg.TopicPartition[] partitions
function consumer:paused() end

---The assigned partitions whose end was reached since they were assigned, also when more has come since.
---Needs enable.partition.eof=true; `print` does not count.
---@return docmsg.TopicPartition[] partitions
function consumer:ended() end

---The offsets of the next records to hand over; `offset` is nil before the first one.
---@param partitions? docmsg.TopicPartition[] default: all assigned
---@return docmsg.Offset[]? offsets
---@return docmsg.Error? err
function consumer:position(partitions) end

---The committed offsets; `offset` is nil where there is none.
---@param partitions? docmsg.TopicPartition[] default: all assigned
---@param timeout? docmsg.Duration default "30s"
---@return docmsg.Offset[]? offsets
---@return docmsg.Error? err
function consumer:committed(partitions, timeout) end

---The first offset and the one after the last, asked from the broker.
---@param topic string
---@param partition integer
---@param timeout? docmsg.Duration default "30s"
---@return integer? low
---@return integer|docmsg.Error high_or_err
function consumer:watermarks(topic, partition, timeout) end

---@return string? id nil before the group was joined
function consumer:member_id() end

---@class docmsg.Message
---@field topic string
---@field partition integer
---@field offset integer
---@field key string? nil is not ""
---@field value string? nil is a tombstone
---@field headers docmsg.Header[] in order, duplicates kept
---@field timestamp integer? milliseconds since 1970
---@field timestamp_type "create"|"append"|"none"
local message = {}

---The last header of that name.
---@param name string
---@return string? value
---@return boolean found true when there is such a header, also when its value is null
function message:header(name) end

---A plain table with all fields, which stays when the client closes.
---@return table
function message:copy() end
