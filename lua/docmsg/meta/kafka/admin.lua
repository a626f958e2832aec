-- SPDX-License-Identifier: MIT
-- docmsg.kafka: the admin client, which makes, describes, changes and deletes what a cluster has.
-- This file is never loaded.
---@meta _

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
