-- SPDX-License-Identifier: MIT
-- What the C module docmsg.kafka offers: the single source for editors and the reference page.
-- This file is never loaded.
--
-- Everywhere: a wrong type, an unknown option or a closed object raises; a broker, a network, a
-- time-out or a refused configuration returns nil and a docmsg.Error; nothing arrived in time is
-- an empty result. Durations are strings with a unit ("100ms", "30s", "5m", "7d") or, in fields
-- that end in _ms, integers. All objects belong to the thread that made them.
---@meta docmsg.kafka

---@class docmsg.kafka
local kafka = {}

---What went wrong at the broker or on the way there. `tostring` gives "message (name): hint".
---@class docmsg.Error
---@field code integer librdkafka's code; negative ones are local
---@field name string librdkafka's name, such as "_TIMED_OUT" or "TOPIC_ALREADY_EXISTS"
---@field message string what happened, with the thing named
---@field hint? string what to do about it
---@field retriable boolean the same call may succeed later
---@field fatal boolean the client is unusable from now on
---@field abortable boolean the transaction must be aborted

---@alias docmsg.Duration string|integer "250ms", "30s", "5m", "12h", "7d"; 0 does not wait; "forever" never stops waiting

---A place in a topic.
---@class docmsg.TopicPartition
---@field topic string
---@field partition integer

---An offset in a partition: for a commit, the offset of the *next* record to read.
---@class docmsg.Offset : docmsg.TopicPartition
---@field offset integer
---@field metadata? string kept by the broker beside a committed offset
---@field error? docmsg.Error only in results

---@alias docmsg.Header [string, string?] name and value; a missing value is a null header

---Options that every client takes.
---@class docmsg.ClientOptions
---@field bootstrap_servers? string|string[] "host:port,host:port" or a list; default: see `defaults`
---@field kafka? table<string, string|number|boolean> librdkafka's properties by their own names
---@field client_id? string letters, digits, ".", "_" and "-"; default "docmsg-lua"
---@field insecure_tls? boolean any certificate of the broker will do; warns. `enable.ssl.certificate.verification=false` and `ssl.endpoint.identification.algorithm=none` are refused without it
---@field on_error? fun(err: docmsg.Error) a client-wide error, during a call on this client
---@field on_log? fun(log: {level: integer, facility: string, message: string}) librdkafka's log lines, syslog levels; default: level 4 and more severe go to standard error
---@field on_stats? fun(json: string) statistics, when `statistics.interval.ms` is set

---The versions at work.
---@return {module: string, lua: string, librdkafka: string, librdkafka_built: string, features: table<string, boolean>} versions `features` names the newer admin calls: incremental_alter_configs, describe_topics, list_offsets
function kafka.version() end

---Sets what clients of this state use when an option is left out, and returns it. Without a call,
---`bootstrap_servers` is $KAFKA_BOOTSTRAP_SERVERS or else "localhost:9092".
---@param defaults? {bootstrap_servers?: string|string[], kafka?: table<string, string|number|boolean>, insecure_tls?: boolean}
---@return {bootstrap_servers: string, kafka: table<string, string>, insecure_tls: boolean?} current secrets are not in it
function kafka.defaults(defaults) end

---The configuration properties of this librdkafka, in its own order.
---@return {name: string, alias_of?: string, scope: "*"|"C"|"P", type: string, range: string, default: string, deprecated: boolean, description: string}[]
function kafka.properties() end

---The candidate nearest to a misspelt word.
---@param word string
---@param candidates string[]
---@return string? nearest nil when none is near
function kafka.nearest(word, candidates) end

---A duration in milliseconds; raises when it is malformed.
---@param duration docmsg.Duration
---@return integer milliseconds -1 for "forever"
function kafka.duration(duration) end

---Waits. Serves no client meanwhile; Ctrl-C ends it.
---@param duration docmsg.Duration
function kafka.sleep(duration) end

---How many objects of this state hold C resources: for tests that look for leaks.
---@return {clients: integer, messages: integer, deliveries: integer, brokers: integer, threads: integer} counts `deliveries` come in blocks of 1,024 handles, `threads` are librdkafka's, of the process
function kafka.live() end

---Makes an admin client.
---@param options docmsg.ClientOptions
---@return docmsg.Admin? admin
---@return docmsg.Error? err
function kafka.admin(options) end

---@class docmsg.ProducerOptions : docmsg.ClientOptions
---@field transactional_id? string makes the producer transactional
---@field queue_timeout? docmsg.Duration how long `send` waits for room in a full queue; default "60s"
---@field partitioner? fun(topic: string, key: string?, partitions: integer): integer? chooses the partition of records that name none, called before the record is queued; nil leaves it to librdkafka

---Makes a producer: acks=all, idempotent, Java's partitioner unless `kafka` says otherwise.
---@param options docmsg.ProducerOptions
---@return docmsg.Producer? producer
---@return docmsg.Error? err
function kafka.producer(options) end

---@class docmsg.ConsumerOptions : docmsg.ClientOptions
---@field group? string consumer group; needed for `subscribe` and commits
---@field instance_id? string static membership (group.instance.id)
---@field topics? string[] subscribed at once; "^..." is a pattern
---@field start? "earliest"|"latest"|"error" where a partition without a committed offset begins; default "earliest"
---@field on_assign? fun(partitions: docmsg.TopicPartition[], consumer: docmsg.Consumer): docmsg.Offset[]? partitions were gained; offsets returned are where to start
---@field on_revoke? fun(partitions: docmsg.TopicPartition[], consumer: docmsg.Consumer) partitions are about to be given up: the last chance to commit
---@field on_lost? fun(partitions: docmsg.TopicPartition[], consumer: docmsg.Consumer) partitions are already somebody else's: do not commit

---Makes a consumer. Offsets are committed only by `commit` (or, with enable.auto.commit=true, those given to `store`).
---@param options docmsg.ConsumerOptions
---@return docmsg.Consumer? consumer
---@return docmsg.Error? err
function kafka.consumer(options) end

---Makes a printer: records to a file, in a format of kcat's letters or as JSON. The letters: `%s` value,
---`%S` its size, `%R` the same in 4 bytes, `%k` key, `%K` its size, `%T` timestamp, `%h` headers, `%t`
---topic, `%p` partition, `%o` offset; a size of null is -1. As JSON, bytes that are not UTF-8 are an
---object with the field base64.
---@param options {file: file*, format?: string, json?: boolean} default format: value and newline
---@return docmsg.Printer printer
function kafka.printer(options) end

---@class docmsg.Printer
local printer = {}

---Prints a record.
---@param message docmsg.Message
function printer:print(message) end

---Writes what the file has buffered.
---@return boolean? ok
---@return docmsg.Error? err _FS: one of the writes has failed
function printer:flush() end

---Starts a broker inside this process, for trials and tests. It keeps nothing after exit.
---@param options? {brokers?: integer} 1 to 16, default 1
---@return docmsg.EmbeddedBroker? broker
---@return docmsg.Error? err
function kafka.embedded(options) end

---What admin, producer and consumer have in common.
---@class docmsg.Client
local client = {}

---Closes the client; closing twice is fine. Also called by `local x <close>`.
---A producer first sends what is queued, a consumer leaves its group.
---@param timeout? docmsg.Duration default "10s"
---@return boolean? closed
---@return docmsg.Error? err _TIMED_OUT, with what was not delivered or not ended; the client is closed all the same
function client:close(timeout) end

---A file descriptor that becomes readable when something waits for this client: then call `poll`
---(consumer: until it returns nothing). It belongs to the client.
---@return integer fd
function client:fd() end

---The name of this client in librdkafka's logs, such as "docmsg-lua#producer-1".
---@return string
function client:name() end

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

---@class docmsg.EmbeddedBroker
---@field bootstrap_servers string
local embedded = {}

---Ends the broker; clients of it see it vanish.
function embedded:close() end

---Makes the next requests of a kind fail, in this order: for tests.
---@param api string "Produce", "Fetch", "OffsetCommit", ... as in the protocol guide, or its number as a string
---@param errors string[] librdkafka's names, such as "NOT_LEADER_FOR_PARTITION"
function embedded:fail(api, errors) end

---Takes a broker down, or brings it back: for tests.
---@param id integer
---@param up boolean
function embedded:set_up(id, up) end

---Sets a broker's round-trip time: for tests.
---@param id integer
---@param rtt docmsg.Duration
function embedded:set_rtt(id, rtt) end

---Moves a partition's leader: for tests.
---@param topic string
---@param partition integer
---@param id integer
function embedded:set_leader(topic, partition, id) end

---Options that every admin call takes as its last argument.
---@class docmsg.AdminOptions
---@field timeout? docmsg.Duration for the whole call with its retries; default "30s"
---@field validate_only? boolean ask the broker without changing anything (create_topics, create_partitions, alter_configs)

---@class docmsg.Admin : docmsg.Client
local admin = {}

---@class docmsg.NewTopic
---@field name string
---@field partitions integer
---@field replication_factor? integer default 1; left out when `assignment` is given
---@field assignment? integer[][] broker ids of each partition's replicas
---@field config? table<string, string|integer|boolean>

---Creates topics. A topic that exists has error TOPIC_ALREADY_EXISTS.
---@param topics docmsg.NewTopic[]
---@param options? docmsg.AdminOptions
---@return table<string, {name: string, error?: docmsg.Error}>? results by topic name
---@return docmsg.Error? err when the whole request failed
function admin:create_topics(topics, options) end

---@param names string[]
---@param options? docmsg.AdminOptions
---@return table<string, {name: string, error?: docmsg.Error}>? results
---@return docmsg.Error? err
function admin:delete_topics(names, options) end

---@param topics {name: string, partitions: integer, assignment?: integer[][]}[] `partitions` is the new total; `assignment` for the added ones
---@param options? docmsg.AdminOptions
---@return table<string, {name: string, error?: docmsg.Error}>? results
---@return docmsg.Error? err
function admin:create_partitions(topics, options) end

---@class docmsg.PartitionInfo
---@field partition integer
---@field leader integer? broker id; nil when there is none
---@field replicas integer[] broker ids
---@field isr integer[] broker ids of the in-sync replicas
---@field error? docmsg.Error

---@class docmsg.TopicInfo
---@field name string
---@field partitions docmsg.PartitionInfo[] in order of partition
---@field error? docmsg.Error UNKNOWN_TOPIC_OR_PART when it does not exist

---@param names? string[] default: all topics
---@param options? docmsg.AdminOptions
---@return table<string, docmsg.TopicInfo>? topics
---@return docmsg.Error? err
function admin:describe_topics(names, options) end

---@class docmsg.ConfigValue
---@field value string? nil when it is sensitive
---@field source "topic"|"broker_dynamic"|"broker_dynamic_default"|"broker_static"|"default"|"group"|"unknown"
---@field read_only boolean
---@field sensitive boolean

---@param resources (string|{type: "topic"|"broker"|"group", name: string})[] a string is a topic
---@param options? docmsg.AdminOptions
---@return table<string, {name: string, type: string, configs: table<string, docmsg.ConfigValue>, error?: docmsg.Error}>? results by name
---@return docmsg.Error? err
function admin:describe_configs(resources, options) end

---Changes the named keys and no other.
---@param changes {name: string, type?: "topic"|"broker", set?: table<string, string|integer|boolean>, delete?: string[]}[]
---@param options? docmsg.AdminOptions
---@return table<string, {name: string, error?: docmsg.Error}>? results
---@return docmsg.Error? err
function admin:alter_configs(changes, options) end

---Deletes the records before the given offsets.
---@param offsets docmsg.Offset[] `offset` may also be "latest"
---@param options? docmsg.AdminOptions
---@return docmsg.Offset[]? low the new first offsets, each with an error or not
---@return docmsg.Error? err
function admin:delete_records(offsets, options) end

---Asks for offsets by time.
---@param queries {topic: string, partition: integer, at: "earliest"|"latest"|integer}[] an integer is a timestamp in ms: the first record not older
---@param options? docmsg.AdminOptions
---@return docmsg.Offset[]? offsets in the order asked; the end when nothing is that new
---@return docmsg.Error? err
function admin:list_offsets(queries, options) end

---@param options? docmsg.AdminOptions
---@return {group: string, state: string, simple: boolean}[]? groups
---@return docmsg.Error? err
function admin:list_groups(options) end

---@class docmsg.GroupInfo
---@field group string
---@field state string "Stable", "Empty", "Dead", "PreparingRebalance", ...
---@field assignor string
---@field coordinator {id: integer, host: string, port: integer}?
---@field members {client_id: string, member_id: string, host: string, instance_id: string?, assignment: docmsg.TopicPartition[]}[]
---@field error? docmsg.Error

---@param groups string[]
---@param options? docmsg.AdminOptions
---@return table<string, docmsg.GroupInfo>? groups
---@return docmsg.Error? err
function admin:describe_groups(groups, options) end

---@param groups string[]
---@param options? docmsg.AdminOptions
---@return table<string, {name: string, error?: docmsg.Error}>? results
---@return docmsg.Error? err
function admin:delete_groups(groups, options) end

---@param group string
---@param partitions? docmsg.TopicPartition[] default: all with a committed offset
---@param options? docmsg.AdminOptions
---@return docmsg.Offset[]? offsets
---@return docmsg.Error? err
function admin:group_offsets(group, partitions, options) end

---Sets a group's committed offsets. The broker refuses while the group has members.
---@param group string
---@param offsets docmsg.Offset[]
---@param options? docmsg.AdminOptions
---@return docmsg.Offset[]? offsets each with an error or not
---@return docmsg.Error? err
function admin:alter_group_offsets(group, offsets, options) end

---@param options? docmsg.AdminOptions
---@return {id: string?, controller: integer?, brokers: {id: integer, host: string, port: integer}[]}? cluster
---@return docmsg.Error? err
function admin:cluster(options) end

return kafka
