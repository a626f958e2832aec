-- SPDX-License-Identifier: MIT
local options = require "docmsg.options"

describe("the command line", function()
  local good = {
    { "nothing", {}, { actions = {}, properties = {} } },
    { "code and modules in their order", { "-e", "x", "-lm", "-e", "", "-l", "g=m" },
      { properties = {}, actions = { { kind = "code", value = "x" }, { kind = "library", value = "m" },
        { kind = "code", value = "" }, { kind = "library", value = "g=m" } } } },
    { "values behind = or beside", { "--bootstrap-servers=a:1", "--env-file", "f" },
      { actions = {}, properties = {}, bootstrap_servers = "a:1", env_file = "f" } },
    { "properties", { "-X", "a=1", "-Xb=2" }, { actions = {}, properties = { "a=1", "b=2" } } },
    { "a script, and leaves its arguments alone", { "-i", "f.lua", "-e", "--nonsense" },
      { actions = {}, properties = {}, interactive = true, script = 2 } },
    { "standard input", { "-" }, { actions = {}, properties = {}, script = 1 } },
    { "the end of the options", { "--", "-f.lua" }, { actions = {}, properties = {}, script = 2 } },
    { "flags", { "-v", "-W", "-E", "--embedded", "--insecure-tls" }, { actions = {}, properties = {},
      insecure_tls = true, show_version = true, warnings = true, ignore_environment = true, embedded = true } },
  }
  for _, case in ipairs(good) do
    it("takes " .. case[1], function()
      assert.same(case[3], options.parse(case[2]))
    end)
  end

  local bad = {
    { { "--embeded" }, "unknown option --embeded; did you mean --embedded?" },
    { { "--bootstrap-server=a" }, "unknown option --bootstrap-server; did you mean --bootstrap-servers?" },
    { { "-q" }, "unknown option -q" },
    { { "-ix" }, "unknown option -ix" },
    { { "-e" }, "-e needs a value (CODE)" },
    { { "-e", "-i" }, "-e needs a value (CODE)" },
    { { "--env-file" }, "--env-file needs a value (FILE)" },
    { { "--embedded=yes" }, "--embedded takes no value" },
    { { "--log-format", "xml" }, '--log-format takes one of text, json, not "xml"' },
    { { "--embedded", "--bootstrap-servers", "a" },
      "--embedded and --bootstrap-servers exclude each other" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. table.concat(case[1], " "), function()
      local parsed, reason = options.parse(case[1])
      assert.is_nil(parsed)
      assert.equal(case[2], reason)
    end)
  end
end)
