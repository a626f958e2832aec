-- SPDX-License-Identifier: MIT
std = "lua54"
codes = true
max_line_length = 120
max_cyclomatic_complexity = 17

-- Annotations for editors; nothing in them runs.
exclude_files = { "lua/docmsg/meta", "build", ".kafka" }

-- Tables of cases are wide; a handler need not use its self.
files["tests"] = { max_line_length = false, self = false }
files["tests/**/*_spec.lua"] = { std = "+busted" }

-- A topic file is run with these names alone: lua/docmsg/topic/environment.lua.
stds.topic_file = {
  read_globals = {
    "INHERIT", "KiB", "MiB", "days", "defaults", "env", "env_int", "hours", "minutes", "set", "topic",
  },
}
files["scripts/topics.lua"] = { std = "topic_file" }
