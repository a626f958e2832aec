-- SPDX-License-Identifier: MIT
-- What the C module docmsg.kafka offers: the single source for editors and the reference page.
-- Its objects are annotated in kafka/, a file for each kind. None of these files is ever loaded.
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

---Makes a producer: acks=all, idempotent, Java's partitioner unless `kafka` says otherwise.
---@param options docmsg.ProducerOptions
---@return docmsg.Producer? producer
---@return docmsg.Error? err
function kafka.producer(options) end

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

return kafka
