-- SPDX-License-Identifier: MIT
-- docmsg.kafka: the producer, the records it is given, and what becomes of them.
-- This file is never loaded.
---@meta _

---@class docmsg.ProducerOptions : docmsg.ClientOptions
---@field transactional_id? string makes the producer transactional
---@field queue_timeout? docmsg.Duration how long `send` waits for room in a full queue; default "60s"
---@field partitioner? fun(topic: string, key: string?, partitions: integer): integer? chooses the partition of records that name none, called before the record is queued; nil leaves it to librdkafka

---@class docmsg.Producer : docmsg.Client
local producer = {}

---@class docmsg.Record
---@field topic string
---@field key? string
---@field value? string nil is a tombstone
---@field headers? docmsg.Header[]
---@field timestamp? integer milliseconds since 1970; default now
---@field partition? integer default: the partitioner's choice

---@class docmsg.Report : docmsg.TopicPartition
---@field offset integer
---@field timestamp integer milliseconds since 1970
---@field latency_us integer from `send` to the broker's acknowledgement

---Queues a record. When the queue is full, waits up to `queue_timeout`.
---@param record docmsg.Record
---@return docmsg.Delivery? delivery
---@return docmsg.Error? err _QUEUE_FULL, MSG_SIZE_TOO_LARGE, _UNKNOWN_TOPIC, _UNKNOWN_PARTITION, _FATAL, _STATE
function producer:send(record) end

---Sends each line of a file as a record's value. `flush` waits for them, `failed` says whether all arrived.
---@param record docmsg.Record what they have in common
---@param file file*
---@param options? {key_delimiter?: string, null?: boolean} what is before the first delimiter is the key; an empty key or value is null
---@return integer? count how many were sent
---@return docmsg.Error? err why the line after them was not
---@return integer? count how many were sent before
function producer:lines(record, file, options) end

---How many records of `lines` were not delivered.
---@return integer count
---@return docmsg.Error? err of the first of them
function producer:failed() end

---Sends a record and waits for the broker's acknowledgement.
---@param record docmsg.Record
---@param timeout? docmsg.Duration default "forever": message.timeout.ms decides
---@return docmsg.Report? report
---@return docmsg.Error? err
function producer:publish(record, timeout) end

---Waits until every queued record has its delivery report.
---@param timeout? docmsg.Duration default "forever"
---@return boolean? done
---@return docmsg.Error? err _TIMED_OUT
function producer:flush(timeout) end

---Drops what is queued or in flight. Records in flight end as possibly_persisted.
---@return integer purged how many records ended
function producer:purge() end

---Serves delivery reports and events.
---@param timeout? docmsg.Duration default 0
---@return integer reports how many delivery reports were served
function producer:poll(timeout) end

---How many records wait for their delivery report.
---@return integer
function producer:pending() end

---How many partitions a topic has.
---@param topic string
---@param timeout? docmsg.Duration default "30s"
---@return integer? partitions
---@return docmsg.Error? err
function producer:partitions(topic, timeout) end

---Begins a transaction. The first call also fences older producers of the same transactional id.
---@param timeout? docmsg.Duration default "60s"
---@return boolean? begun
---@return docmsg.Error? err
function producer:begin(timeout) end

---Makes the offsets part of the transaction: they are committed when it is.
---@param offsets docmsg.Offset[]
---@param consumer docmsg.Consumer whose group they belong to
---@param timeout? docmsg.Duration default "60s"
---@return boolean? ok
---@return docmsg.Error? err
function producer:send_offsets(offsets, consumer, timeout) end

---Commits the transaction: flushes, then makes all of it visible at once.
---@param timeout? docmsg.Duration default "60s"
---@return boolean? committed
---@return docmsg.Error? err retriable: call again; abortable: `abort`; fatal or neither: close this producer and make a new one
function producer:commit(timeout) end

---Aborts the transaction. Consumers do not rewind by themselves: `seek` back.
---@param timeout? docmsg.Duration default "60s"
---@return boolean? aborted
---@return docmsg.Error? err
function producer:abort(timeout) end

---What becomes of one sent record.
---@class docmsg.Delivery
---@field status "pending"|"persisted"|"not_persisted"|"possibly_persisted"
local delivery = {}

---Waits for the delivery report.
---@param timeout? docmsg.Duration default "forever"
---@return docmsg.Report? report
---@return docmsg.Error? err why it failed; _TIMED_OUT while it is still pending
function delivery:wait(timeout) end
