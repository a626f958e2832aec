-- SPDX-License-Identifier: MIT
-- usage: docmsg-lua tools/reference.lua [--check]
--
-- Writes docs/reference.md from the annotations; with --check, only says whether it is up to date.
local folder = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = ("%s/?.lua;%s"):format(folder, package.path)
local pages = require "lib.pages"

local path = folder .. "/../docs/reference.md"
local page = pages.reference(folder .. "/..")

if arg[1] == "--check" then
  local file = io.open(path, "rb")
  local current = file and file:read("a")
  if current ~= page then
    io.stderr:write("docs/reference.md is not what the annotations say: run docmsg-lua tools/reference.lua\n")
    os.exit(1)
  end
else
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(page))
end
