rockspec_format = "3.0"
package = "docmsg-lua"
version = "dev-1"
source = { url = "git+file://." }
description = {
  summary = "Apache Kafka from Lua, on librdkafka",
  detailed = [[
A C module with the whole of Kafka's client side (admin, producer, consumer, transactions), a
toolkit for topics and events in Lua, and the program docmsg-lua that runs scripts on them.]],
  license = "MIT",
  labels = { "kafka", "messaging" },
}
dependencies = { "lua ~> 5.4", "lua-cjson >= 2.1.0" }
external_dependencies = {
  RDKAFKA = { header = "librdkafka/rdkafka.h" },
  SQLITE = { header = "sqlite3.h" },
  UUID = { header = "uuid/uuid.h" },
  CRYPTO = { header = "openssl/evp.h" },
  MICROHTTPD = { header = "microhttpd.h" },
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    DOCMSG_INSTALL_CMOD = "$(LIBDIR)/docmsg",
    DOCMSG_INSTALL_LMOD = "$(LUADIR)",
  },
}
test = { type = "command", command = "tools/test" }
