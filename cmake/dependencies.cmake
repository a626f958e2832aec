# SPDX-License-Identifier: MIT
# PKG_CONFIG_PATH chooses another librdkafka or Lua than the system's.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3)
pkg_check_modules(UUID REQUIRED IMPORTED_TARGET uuid)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
pkg_search_module(LUA REQUIRED IMPORTED_TARGET lua5.4 lua-5.4 lua54 lua>=5.4)

# A program holds Lua itself where there is an archive of it, as lua5.4 does: within a shared
# library every call goes through a jump table, which costs a script a tenth of its time. It holds
# all of it, for the modules that it loads.
add_library(docmsg_lua INTERFACE)
list(GET LUA_LIBRARIES 0 LUA_NAME)
find_library(LUA_ARCHIVE NAMES "lib${LUA_NAME}.a" PATHS "${LUA_LIBDIR}" NO_DEFAULT_PATH)
if(LUA_ARCHIVE)
  target_include_directories(docmsg_lua SYSTEM INTERFACE ${LUA_INCLUDE_DIRS})
  target_link_libraries(docmsg_lua INTERFACE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${LUA_ARCHIVE}>" m
                        ${CMAKE_DL_LIBS})
else()
  target_link_libraries(docmsg_lua INTERFACE PkgConfig::LUA)
endif()

if(DOCMSG_LIBEDIT)
  pkg_check_modules(LIBEDIT IMPORTED_TARGET libedit)
endif()

# Records are allocated by one thread and freed by another, where glibc's threads wait for each other.
if(DOCMSG_JEMALLOC AND NOT DOCMSG_SANITIZE)
  pkg_check_modules(JEMALLOC IMPORTED_TARGET jemalloc)
endif()
message(STATUS "librdkafka ${RDKAFKA_VERSION}, Lua ${LUA_VERSION}, libedit ${LIBEDIT_VERSION}")
