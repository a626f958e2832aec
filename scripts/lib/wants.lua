-- SPDX-License-Identifier: MIT

---Is this workflow among those that were initialized?
---@param event docmsg.Event
---@param workflow string
---@return boolean
return function(event, workflow)
  for _, wanted in ipairs(event.data.workflow_types) do
    if wanted == workflow then return true end
  end
  return false
end
