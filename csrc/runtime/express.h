/* SPDX-License-Identifier: MIT */
/* express.h -- the straight way of a record to its handler, without docmsg.dispatch: for one whose
** envelope is complete and has nothing particular, whose data fit at once, and whose route asks for
** nothing but the handler. All else is left to the dispatcher's own function, from the beginning.
**
** Threads: the thread that owns L.
*/
#ifndef DM_EXPRESS_H
#define DM_EXPRESS_H

#include <lua.h>

/* express(parts) -> run
**
** run(work, ...) gives what handler.h asks of the dispatcher. 'parts' has
**   slow(work, ...)       the dispatcher's own function
**   prepare(work, route)  makes the frame ready for records of that route
**   conclude(ok, err)     the results for a handler that raised err, or has touched the frame
**   describe(err)         the message handler of the protected call
**   xpcall                that catches what the handler raises
**   frame                 its field "touched" says that the record is no longer as any other
**   routes                event type -> { handler, read, route, event type }, where read(text), which
**                         is dm_read_decode, gives the data, or nil when that has to be looked at
**   topics                topic -> the same, for records that do not say their type
**   event, context        the metatables of what the handler gets, see live.h */
int dm_express_new (lua_State *L);

#endif
