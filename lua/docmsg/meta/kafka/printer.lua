-- SPDX-License-Identifier: MIT
-- docmsg.kafka: the printer, which writes records to a file.
-- This file is never loaded.
---@meta _

---@class docmsg.Printer
local printer = {}

---Prints a record.
---@param message docmsg.Message
function printer:print(message) end

---Writes what the file has buffered.
---@return boolean? ok
---@return docmsg.Error? err _FS: one of the writes has failed
function printer:flush() end
