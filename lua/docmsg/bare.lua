-- SPDX-License-Identifier: MIT
-- docmsg.kafka without its configuration: for what must neither read the environment and .env nor
-- complain of them, such as help with a misspelt word.
local host = package.loaded["docmsg.host"]

return host and host.open_kafka() or require "docmsg.kafka"
