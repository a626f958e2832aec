-- SPDX-License-Identifier: MIT
-- The way of events through an application, as its routes and their `emits` declare it: text for
-- Mermaid or Graphviz. Pure.
local M = {}

---@class docmsg.Graph
---@field events string[] in the order in which they are met
---@field handlers {group: string, type: string, emits: string[], any: boolean}[] one for each type and group

-- A list that has each name once.
local function set()
  local list, known = {}, {}
  return list, function(name)
    if not known[name] then list[#list + 1], known[name] = name, true end
  end
end

-- Several routes of a type are one handler here.
local function handlers_of(consumer, add_event)
  local handlers, by_type = {}, {}
  for _, route in ipairs(consumer.routes) do
    local handler = by_type[route.type]
    if not handler then
      local emits, add = set()
      handler = { group = consumer.group, type = route.type, emits = emits, add = add, any = false }
      by_type[route.type], handlers[#handlers + 1] = handler, handler
      add_event(route.type)
    end
    handler.any = handler.any or route.options.emits == nil
    for _, emitted in ipairs(route.options.emits or {}) do
      handler.add(emitted)
      add_event(emitted)
    end
  end
  return handlers
end

---What an application declares.
---@param app docmsg.App
---@return docmsg.Graph
function M.of(app)
  local events, add_event = set()
  local handlers = {}
  for _, consumer in ipairs(app.consumers) do
    local own = handlers_of(consumer, add_event)
    table.move(own, 1, #own, #handlers + 1, handlers)
  end
  return { events = events, handlers = handlers }
end

local function numbers(events)
  local by_name = {}
  for i, name in ipairs(events) do by_name[name] = i end
  return by_name
end

-- How each format writes the parts. %s is quoted text.
local FORMATS <const> = {
  mermaid = {
    first = "flowchart LR", event = '  e%d["%s"]', handler = '  h%d(["%s"])', any = '  any{{"any event"}}',
    edge = "  %s --> %s",
    escape = function(text)
      return (text:gsub('[<>"#&]', function(char) return ("#%d;"):format(char:byte()) end))
    end,
  },
  dot = {
    first = "digraph events {\n  rankdir = LR;", last = "}", event = '  e%d [shape=box, label="%s"];',
    handler = '  h%d [shape=ellipse, label="%s"];', any = '  any [shape=hexagon, label="any event"];',
    edge = "  %s -> %s;",
    escape = function(text) return (text:gsub('[\\"]', "\\%0")) end,
  },
}

local function add_handler(lines, format, number, handler, event_numbers)
  local name = "h" .. number
  lines[#lines + 1] = format.handler:format(number, format.escape(handler.group))
  lines[#lines + 1] = format.edge:format("e" .. event_numbers[handler.type], name)
  for _, emitted in ipairs(handler.emits) do
    lines[#lines + 1] = format.edge:format(name, "e" .. event_numbers[emitted])
  end
  if handler.any then lines[#lines + 1] = format.edge:format(name, "any") end
end

---Writes a graph: events are boxes, handlers round, with the name of their group.
---@param graph docmsg.Graph
---@param name "mermaid"|"dot"
---@return string text ends with a newline
function M.write(graph, name)
  local format, event_numbers = FORMATS[name], numbers(graph.events)
  local lines, any = { format.first }, false
  for i, event in ipairs(graph.events) do lines[#lines + 1] = format.event:format(i, format.escape(event)) end
  for _, handler in ipairs(graph.handlers) do any = any or handler.any end
  if any then lines[#lines + 1] = format.any end
  for i, handler in ipairs(graph.handlers) do add_handler(lines, format, i, handler, event_numbers) end
  lines[#lines + 1] = format.last
  return table.concat(lines, "\n") .. "\n"
end

return M
