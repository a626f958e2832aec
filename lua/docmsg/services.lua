-- SPDX-License-Identifier: MIT
-- The services of an application as handlers reach them, `ctx.svc.<name>`: each is made at its first
-- use, once for each Lua state.
local settings = require "docmsg.settings"
local value = require "docmsg.schema.value"

local M = {}

---@param declared table<string, any> a function makes the service, anything else is it
---@return table<string, any> services an unknown name raises
function M.new(declared)
  return setmetatable({}, {
    __name = "docmsg.services",
    __index = function(services, name)
      local service = declared[name]
      if service == nil then
        local names = {}
        for known in pairs(declared) do names[#names + 1] = tostring(known) end
        table.sort(names)
        error(("ctx.svc has no %s%s"):format(value.show(name), settings.nearest(name, names)), 2)
      end
      if type(service) == "function" then service = service() end
      if service == nil then error(("the service %s was made as nil"):format(value.show(name)), 2) end
      services[name] = service
      return service
    end,
  })
end

return M
