# SPDX-License-Identifier: MIT
# docmsg_add_specs(RING TIMEOUT seconds SPECS name... [PLAIN_LUA name...])
#
# Registers tests/RING/NAME_spec.lua as the test RING/NAME with the label RING; those named after
# PLAIN_LUA, also or only there, as lua54/RING/NAME, run by the system's lua5.4 with the loadable
# module.
# The environment of a test:
#   DOCMSG_BIN               the program under test
#   KAFKA_BOOTSTRAP_SERVERS  as it is for the rings that need a broker, unset for the others
set(support "${CMAKE_CURRENT_LIST_DIR}")
set(docmsg_spec_environment
  "DOCMSG_BIN=$<TARGET_FILE:docmsg-lua>"
  "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
  "LSAN_OPTIONS=suppressions=${support}/lsan.supp:print_suppressions=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${support}/tsan.supp:halt_on_error=1:second_deadlock_stack=1")
if(DOCMSG_SANITIZE)
  set(docmsg_timeout_factor 4)
else()
  set(docmsg_timeout_factor 1)
endif()

# Sets what all tests of a ring have in common.
function(docmsg_set_ring test ring timeout)
  math(EXPR timeout "${timeout} * ${docmsg_timeout_factor}")
  set_tests_properties("${test}" PROPERTIES
    LABELS "${ring}" TIMEOUT "${timeout}" ENVIRONMENT "${docmsg_spec_environment}")
  if(ring MATCHES "broker|regress")
    # They use the workflow's topics on one broker: one at a time, beside the other rings.
    set_tests_properties("${test}" PROPERTIES RESOURCE_LOCK broker)
  else()
    set_tests_properties("${test}" PROPERTIES ENVIRONMENT_MODIFICATION
      "KAFKA_BOOTSTRAP_SERVERS=unset:;DOCMSG_TEST_KAFKA=unset:")
  endif()
endfunction()

function(docmsg_add_plain_lua_spec ring name timeout)
  add_test(NAME "lua54/${ring}/${name}" WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    COMMAND lua5.4 "${support}/run.lua" "tests/${ring}/${name}_spec.lua")
  docmsg_set_ring("lua54/${ring}/${name}" "${ring}" "${timeout}")
  set_property(TEST "lua54/${ring}/${name}" APPEND PROPERTY ENVIRONMENT
    "LUA_PATH=${CMAKE_SOURCE_DIR}/lua/?.lua\;\;" "LUA_CPATH=${CMAKE_BINARY_DIR}/lib/?.so\;\;")
endfunction()

function(docmsg_add_specs ring)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SPECS;PLAIN_LUA")
  foreach(name IN LISTS arg_SPECS)
    add_test(NAME "${ring}/${name}" WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
      COMMAND docmsg-lua "${support}/run.lua" "tests/${ring}/${name}_spec.lua")
    docmsg_set_ring("${ring}/${name}" "${ring}" "${arg_TIMEOUT}")
  endforeach()
  foreach(name IN LISTS arg_SPECS arg_PLAIN_LUA)
    set_property(GLOBAL APPEND PROPERTY docmsg_specs "tests/${ring}/${name}_spec.lua")
  endforeach()
  # lua5.4 is not built with a sanitizer and cannot load what is.
  if(NOT DOCMSG_SANITIZE)
    foreach(name IN LISTS arg_PLAIN_LUA)
      docmsg_add_plain_lua_spec("${ring}" "${name}" "${arg_TIMEOUT}")
    endforeach()
  endif()
endfunction()

# Runs specs that are registered once more, with the collector at work all the time (run.lua), as
# gc/RING/NAME.
function(docmsg_stress_collector ring timeout)
  foreach(name IN LISTS ARGN)
    add_test(NAME "gc/${ring}/${name}" WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
      COMMAND docmsg-lua "${support}/run.lua" "tests/${ring}/${name}_spec.lua")
    docmsg_set_ring("gc/${ring}/${name}" "${ring}" "${timeout}")
    set_property(TEST "gc/${ring}/${name}" APPEND PROPERTY ENVIRONMENT "DOCMSG_TEST_GC=stress")
  endforeach()
endfunction()

# These tests promise times, or need most of the memory: nothing else runs beside them.
function(docmsg_run_alone)
  set_tests_properties(${ARGN} PROPERTIES RUN_SERIAL TRUE)
endfunction()

# These tests run threads of ours beside each other: `tools/test` watches them by ThreadSanitizer.
function(docmsg_watch_threads)
  foreach(test IN LISTS ARGN)
    set_property(TEST "${test}" APPEND PROPERTY LABELS threads)
  endforeach()
endfunction()

# Ends the configuration when a spec on disk is not registered, or the other way round.
function(docmsg_check_specs)
  get_property(registered GLOBAL PROPERTY docmsg_specs)
  file(GLOB present RELATIVE "${CMAKE_SOURCE_DIR}" CONFIGURE_DEPENDS
       "${CMAKE_SOURCE_DIR}/tests/*/*_spec.lua")
  set(forgotten ${present})
  list(REMOVE_ITEM forgotten ${registered})
  list(REMOVE_ITEM registered ${present})
  if(forgotten)
    message(WARNING "never run; add to docmsg_add_specs in tests/CMakeLists.txt: ${forgotten}")
  endif()
  if(registered)
    message(FATAL_ERROR "registered in tests/CMakeLists.txt, but missing: ${registered}")
  endif()
endfunction()
