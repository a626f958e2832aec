# SPDX-License-Identifier: MIT
# docmsg_flags: what every target of ours compiles with.
add_library(docmsg_flags INTERFACE)
target_compile_features(docmsg_flags INTERFACE c_std_11)
target_compile_definitions(docmsg_flags INTERFACE
  _GNU_SOURCE DOCMSG_VERSION="${PROJECT_VERSION}")
target_compile_options(docmsg_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
  -fvisibility=hidden -fno-common)
target_include_directories(docmsg_flags INTERFACE "${CMAKE_SOURCE_DIR}/csrc")

if(DOCMSG_SANITIZE)
  set(sanitize "-fsanitize=${DOCMSG_SANITIZE}" -fno-omit-frame-pointer
               -fno-sanitize-recover=all)
  target_compile_options(docmsg_flags INTERFACE ${sanitize})
  target_link_options(docmsg_flags INTERFACE ${sanitize})
endif()

# What ThreadSanitizer needs to see librdkafka's threads and locks, see there.
if(DOCMSG_SANITIZE MATCHES "thread")
  add_library(docmsg_tsan_threads SHARED "${CMAKE_SOURCE_DIR}/tests/support/tsan_threads.c")
  target_compile_definitions(docmsg_tsan_threads PRIVATE _GNU_SOURCE)
  target_compile_options(docmsg_tsan_threads PRIVATE -Wall -Wextra -Werror ${sanitize})
  target_link_options(docmsg_tsan_threads PRIVATE ${sanitize})
  target_link_libraries(docmsg_flags INTERFACE
    -Wl,--push-state,--no-as-needed docmsg_tsan_threads -Wl,--pop-state)
endif()
