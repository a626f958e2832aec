-- SPDX-License-Identifier: MIT
-- How much memory the gateway takes for a large upload. Not under sanitizers, which keep what is freed.
local gateway = require "support.gateway"
local process = require "support.process"

-- The file is stored, and then refused for want of a broker.
local NOWHERE <const> = "127.0.0.1:1"

-- Sends a form with a file of $2 bytes.
local UPLOAD <const> = [[head=$'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
tail=$'\r\n--frontier--\r\n'
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'POST /api/v1/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=frontier\r\nContent-Length: %d\r\n\r\n%s' \
  $((${#head} + $2 + ${#tail})) "$head" >&3
head -c "$2" /dev/zero >&3
printf '%s' "$tail" >&3
cat <&3]]

-- A line of /proc/PID/status, in KiB.
local function status(pid, name)
  local file <close> = assert(io.open(("/proc/%d/status"):format(pid)))
  return math.tointeger(file:read("a"):match(name .. ":%s+(%d+) kB"))
end

describe("the gateway", function()
  it("grows by less than 16 MiB while it takes 1 GiB", function()
    local gate <close> = gateway.start { servers = NOWHERE, words = { "--port", "0", "--max-size", "1GiB" } }
    gate:upload("warm.exe", "x")
    local before = status(gate.process.pid, "VmRSS")
    local result = process.run { "bash", "-c", UPLOAD, "bash", gate.address:match "%d+$", tostring(1 << 30), limit = 200 }
    assert.truthy(result.stdout:find("not_persisted", 1, true), result.stdout)
    local grown = status(gate.process.pid, "VmHWM") - before
    assert.is_true(grown < 16 * 1024, ("%d KiB more"):format(grown))
    assert.same({}, gate:stored())
  end)
end)
