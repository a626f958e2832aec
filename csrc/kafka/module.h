/* SPDX-License-Identifier: MIT */
/* module.h -- the Lua module docmsg.kafka: the only symbol the library exports. */
#ifndef DM_KAFKA_MODULE_H
#define DM_KAFKA_MODULE_H

#include <lua.h>

/* Opens docmsg.kafka.  [-0, +1, m] */
__attribute__((visibility("default"))) int luaopen_docmsg_kafka (lua_State *L);

#endif
