-- SPDX-License-Identifier: MIT
-- What the C module docmsg.runtime offers to docmsg.runner, which applications use instead.
-- This file is never loaded.
---@meta docmsg.runtime

---@class docmsg.runtime
---@field bounds number[] upper bounds of durations, in seconds
local runtime = {}

---@return integer milliseconds of a clock that never goes back
function runtime.now() end

---What docmsg.dispatch gives for the straight way of records to their handlers.
---@class docmsg.ExpressParts
---@field slow fun(work: docmsg.Work, ...): ... the dispatcher's own function
---@field prepare fun(work: docmsg.Work, route: docmsg.CompiledRoute) makes the frame ready for the route
---@field conclude fun(ok: boolean, err: any): ... what becomes of a record that is not as most are
---@field describe fun(err: any): any
---@field xpcall function
---@field frame docmsg.Frame
---@field routes table<string, table> event type -> { handler, read, route, event type }
---@field topics table<string, table> topic -> the same
---@field event table metatable of events
---@field context table metatable of contexts

---Makes the function that the runtime calls for each record: records with nothing particular go to their
---handler, all others to `parts.slow`.
---@param parts docmsg.ExpressParts
---@return fun(work: docmsg.Work, ...): ...
function runtime.express(parts) end

---Makes the `__index` of events and contexts, which raises when they are released.
---@param methods table<string, function>
---@param read fun(live: table, name: any): any what is no method
---@return function
function runtime.live_index(methods, read) end

---Makes `ctx:emit` of one in Lua: what most handlers emit does not need it.
---@param slowly fun(ctx: docmsg.Context, event_type: string, data: any, options?: docmsg.EmitOptions)
---@param refuse_data fun(frame: docmsg.Frame, event_type: string, reason: string) which raises
---@param refuse_size fun(frame: docmsg.Frame, event_type: string, reason: string) which raises
---@return fun(ctx: docmsg.Context, event_type: string, data: any, options?: docmsg.EmitOptions)
function runtime.context_emit(slowly, refuse_data, refuse_size) end

---@class docmsg.EmitterOptions
---@field bootstrap_servers? string|string[]
---@field client_id? string
---@field insecure_tls? boolean
---@field kafka? table<string, string|number|boolean> librdkafka's properties

---The producer of a process's groups: what handlers emit and dead letters go through it.
---@class docmsg.Emitter
local emitter = {}

---Makes an emitter. It waits for the broker without end, and repeats in order.
---@param options docmsg.EmitterOptions
---@return docmsg.Emitter? emitter
---@return docmsg.Error? err
function runtime.emitter(options) end

---Waits for what is queued and ends. Raises while groups use it.
---@param timeout? docmsg.Duration default "5s"
---@return integer undelivered records
function emitter:close(timeout) end

---What became of the emitted events of one type. The shares of latencies may be told an eighth too
---long, and beyond two minutes are the longest of all.
---@class docmsg.EmittedStats
---@field sent integer that the broker has; exactly-once: in a committed transaction
---@field failed integer that it will never have
---@field bytes integer of the values of those sent
---@field seconds number in all, from handing them to the producer to the acknowledgement
---@field p50 number seconds that half of them took at most
---@field p95 number
---@field p99 number
---@field max number

---@class docmsg.EmitterStats
---@field produced integer emitted events and dead letters that the broker has
---@field failed integer those that it will never have
---@field queued integer those that wait or are on their way
---@field types table<string, docmsg.EmittedStats> by event type; dead letters are none

---@return docmsg.EmitterStats
function emitter:stats() end

---A line of what the threads have to say.
---@class docmsg.Note
---@field level "debug"|"info"|"warn"|"error"
---@field message string

---What was said since the last call.
---@return docmsg.Note[]
function emitter:notes() end

---@return docmsg.Error? err nothing can be produced any more
function emitter:fatal() end

---Lets coroutines that are made in the calling state from now on keep the limits of the handlers that
---make them, as those of workers do. They run slower.
function runtime.limit_coroutines() end

---The Lua state of a worker.
---@class docmsg.WorkerState
local state = {}

---Makes a Lua state in which `require(module).boot(settings)` has returned a function.
---@param options {module: string, settings: any, memory: integer?} settings are plain values; memory in bytes
---@return docmsg.WorkerState? state
---@return string? reason
function runtime.state(options) end

---Closes the state, unless a group has it.
function state:close() end

---@class docmsg.GroupOptions : docmsg.EmitterOptions
---@field emitter docmsg.Emitter
---@field group string
---@field topics string[] names, and patterns that begin with "^"
---@field partitions? integer how many the topics have: what is read ahead is divided between them; default 32
---@field lanes? integer what runs side by side; default 1
---@field order? "key"|"partition"|"none" default "key"
---@field instance_id? string static membership; names the transactions
---@field start? "earliest"|"latest"|"error" default "earliest"
---@field source? string `ce_source` of what is emitted; default: the group
---@field dead_letters? string the topic of all dead letters; default "<topic>.<group>.dlq"
---@field transactions? docmsg.EmitterOptions exactly-once: options of the group's transactional producer
---@field commit? docmsg.Duration between two commits; default "1s", with `transactions` "100ms"
---@field revoke? docmsg.Duration how long running records may settle when partitions go; default "5s"
---@field drain? docmsg.Duration the same at the end; default "25s"
---@field exit_when_stuck? boolean the process ends, with exit code 1, when a handler does not end in twice its time

---A member of a consumer group, and what runs its handlers.
---@class docmsg.Group
local group = {}

---Makes a group; it joins at `start`.
---@param options docmsg.GroupOptions
---@return docmsg.Group? group
---@return docmsg.Error? err
function runtime.group(options) end

---What a handler's run may need; 0, or left out: no limit.
---@class docmsg.Limits
---@field timeout_ms? integer
---@field instructions? integer of the Lua machine

---Lets a worker with that state run the handlers of a lane. A worker that runs already goes over to
---the new state between two records.
---@param lane integer from 1
---@param worker docmsg.WorkerState is the group's from now on
---@param limits? docmsg.Limits
function group:serve(lane, worker, limits) end

---Lets the calling thread run the handlers of lane 1, in `step`, from the next record on.
---@param dispatch fun(work: docmsg.Work, ...): integer, ... from docmsg.dispatch
---@param limits? docmsg.Limits
function group:handle(dispatch, limits) end

---Closes the states that were replaced.
---@return boolean swept every lane uses what it was given last
function group:sweep() end

---Waits for a record and runs what is there; no handler begins after about a second. Raises what has
---interrupted a handler, such as Ctrl-C: its record will be handled again.
---@param timeout? docmsg.Duration default 0
---@return integer handled
function group:step(timeout) end

---Joins the group.
---@return boolean? ok
---@return docmsg.Error? err
function group:start() end

---Subscribes to these topics instead.
---@param topics string[] names, and patterns that begin with "^"
function group:subscribe(topics) end

---Begins to end: nothing more begins, what runs settles, commits, leaves.
function group:stop() end

---Cuts that short: what has not settled stays uncommitted.
function group:kill() end

---@return boolean ended
function group:ended() end

---Waits until it has ended.
---@param timeout? docmsg.Duration default "forever"
---@return boolean ended
function group:join(timeout) end

---Stops it and waits for everything to end.
---@param timeout? docmsg.Duration default "30s"
---@return boolean ended false: a handler does not end
function group:close(timeout) end

---What was said since the last call.
---@return docmsg.Note[]
function group:notes() end

---@return string? reason why the group failed
function group:trouble() end

---What the handlers of an event type did.
---@class docmsg.HandlerStats
---@field outcomes {ack: integer, retry: integer, dead: integer, skip: integer, cancelled: integer}
---@field classes integer[] runs by duration: up to each of `runtime.bounds`, and longer
---@field seconds number of all runs

---@class docmsg.GroupStats
---@field state "joining"|"running"|"draining"|"ended"|"failed"
---@field admitted integer records taken; each ends as one of the next four, or is in flight
---@field acked integer
---@field dead integer
---@field skipped integer
---@field cancelled integer cut off, to be handled again
---@field in_flight integer
---@field bytes integer of those in flight
---@field parked_keys integer keys that wait for a retry
---@field partitions integer
---@field held integer partitions that are held back
---@field oldest_ms? integer age of the oldest record in flight
---@field retries integer
---@field reasons table<string, integer> dead letters by reason
---@field dead_failures integer dead letters that were refused, and tried again
---@field commits integer
---@field commit_failures integer
---@field rewinds integer partitions that went on at an earlier offset: their log was cut, or made anew
---@field rebalances {assign: integer, revoke: integer, lost: integer}
---@field polled_ms? integer since the consumer was last looked at
---@field left_ms? integer since it left its group and cut off the handlers that still ran
---@field lanes {busy_ms: integer}[] how long each lane's handler has been running; 0: none runs
---@field stuck integer lanes whose handler is a second over its time limit and does not end
---@field lag? integer records behind the end of the partitions, as far as it is known
---@field unaccounted integer admitted, but neither ended nor in flight: never but 0
---@field holds {records: integer, span: integer, bytes: integer} partitions that are held back by each limit
---@field types table<string, docmsg.HandlerStats> by event type; what has none counts as "other"
---@field busy number[] seconds that each lane has run handlers
---@field places {topic: string, partition: integer, lag: integer?}[]

---The newest figures, at most some 100 ms old.
---@return docmsg.GroupStats
function group:stats() end

---The record that runs, as docmsg.dispatch sees it. Its use after that raises.
---@class docmsg.Work
---@field topic string
---@field partition integer
---@field offset integer
---@field key? string
---@field value? string
---@field timestamp? integer ms since 1970
---@field attempt integer from 1
local work = {}

---@param name string
---@return string? value of the last header with that name
function work:header(name) end

---@return docmsg.Header[]
function work:headers() end

---What the headers of the envelope say, each the last one of its name.
---@return string? type ce_type
---@return string? version ce_specversion
---@return string? id ce_id
---@return string? hops docmsg-hops
---@return string? redrive_group docmsg-redrive-group
---@return string? content_type
---@return string topic
function work:envelope() end

---@return integer milliseconds since the record was given to its handler
function work:time() end

---Sets other limits for the run of this record, counted from its beginning.
---@param timeout_ms? integer
---@param instructions? integer
function work:limit(timeout_ms, instructions) end

---@return docmsg.Work kept this record, for its batch: it must not be used once that has been settled
function work:keep() end

---Buffers an event, to be produced when the record is acknowledged.
---@param topic string
---@param key string?
---@param value string?
---@param type string
---@param options? {id: string?, headers: docmsg.Header[]?, partition: integer?, timestamp: integer?}
---@return true? ok
---@return "too_large"|"too_many"|"hops"|nil reason
function work:emit(topic, key, value, type, options) end

---Drops what was emitted.
function work:discard() end

return runtime
