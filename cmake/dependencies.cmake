# SPDX-License-Identifier: MIT
# PKG_CONFIG_PATH chooses another librdkafka or Lua than the system's.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
pkg_check_modules(UUID REQUIRED IMPORTED_TARGET uuid)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_search_module(LUA REQUIRED IMPORTED_TARGET lua5.4 lua-5.4 lua54 lua>=5.4)
if(DOCMSG_LIBEDIT)
  pkg_check_modules(LIBEDIT IMPORTED_TARGET libedit)
endif()
message(STATUS "librdkafka ${RDKAFKA_VERSION}, Lua ${LUA_VERSION}, libedit ${LIBEDIT_VERSION}")
