/* SPDX-License-Identifier: MIT */
#include "host/line.h"

void dm_line_register (lua_State *L) {
  (void)L;
}
