/* SPDX-License-Identifier: MIT */
#include "host/interrupt.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#define EVERY_EVENT (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

#define PATIENCE_MS 200  /* a signal not raised by then finds the program stuck in C */
#define GRACE_S 1        /* what a second signal leaves to a program that the first one ends */

typedef enum { IDLE, RUNNING, READING, CLOSING } phase;

/* What the handler sees. One state per process: signals belong to the process. */
static struct {
  lua_State *main;
  lua_State *volatile running;
  pthread_t thread;
  volatile sig_atomic_t phase;
  volatile sig_atomic_t pending;     /* the signal that came and was not raised yet */
  volatile sig_atomic_t noted_ms;    /* when, on a clock that wraps */
  volatile sig_atomic_t raised;      /* the signal last raised in the current call */
  volatile sig_atomic_t ending;      /* a signal was heard: the program ends, or asks for a line */
  volatile sig_atomic_t listening;   /* the running code asks for signals: nothing is raised */
  volatile sig_atomic_t hangup;      /* a SIGHUP came while listening to it */
  int hears_hangup;
  struct sigaction before_hangup;    /* what SIGHUP did otherwise */
  volatile sig_atomic_t interactive; /* somebody types: SIGINT never ends the program */
  volatile sig_atomic_t resort;      /* the signal that ends the program when the timer does */
  timer_t timer;
  int has_timer;
} the;

static const char interruption_key = 0; /* its address is the key in the registry */

int dm_interrupt_raise (lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &interruption_key);
  return lua_error(L);
}

static void disarm (lua_State *L) {
  lua_sethook(the.main, NULL, 0, 0);
  lua_sethook(L, NULL, 0, 0);
}

static void hook_raise (lua_State *L, lua_Debug *ar) {
  (void)ar;
  disarm(L);
  /* A coroutine made while the hook was armed has inherited it and may run much later. */
  if (the.pending == 0) return;
  the.raised = the.pending;
  the.pending = 0;
  the.ending = 1;
  dm_interrupt_raise(L);
}

/* lua_sethook may be called from a signal handler. */
static void arm (void) {
  lua_State *running = the.running;
  lua_sethook(the.main, hook_raise, EVERY_EVENT, 1);
  if (running != the.main) lua_sethook(running, hook_raise, EVERY_EVENT, 1);
}

int dm_interrupt_is_output_broken (void) {
  struct pollfd outputs[] = { { .fd = STDOUT_FILENO, .events = POLLOUT },
                              { .fd = STDERR_FILENO, .events = POLLOUT } };
  if (poll(outputs, 2, 0) <= 0) return 0;
  return ((outputs[0].revents | outputs[1].revents) & POLLERR) != 0;
}

static sig_atomic_t now_ms (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (sig_atomic_t)((now.tv_sec * 1000 + now.tv_nsec / 1000000) & 0x3fffffff);
}

static int may_kill (int signal_number) {
  return signal_number != SIGPIPE && !(signal_number == SIGINT && the.interactive);
}

/* Has the last one come a while ago? One sent twice in a row, as by timeout(1), to the process and to
** its group, counts once. */
static int is_another (void) {
  return now_ms() - the.noted_ms > PATIENCE_MS || now_ms() < the.noted_ms;
}

/* A second signal while the first is unheard, or while the state closes. */
static int is_last_resort (int signal_number) {
  return may_kill(signal_number) && (the.pending != 0 || the.phase == CLOSING) && is_another();
}

static void end_process (int signal_number) {
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

/* The second signal of a program that closes what it has open is raised, too, but what it interrupts
** may be stuck in C, and what is left to be closed may take long. */
static void hasten (int signal_number) {
  struct itimerspec soon = { .it_value = { .tv_sec = GRACE_S } };
  if (!the.ending || !the.has_timer || !may_kill(signal_number) || !is_another()) return;
  the.resort = signal_number;
  timer_settime(the.timer, 0, &soon, NULL);
}

/* Nobody is in a hurry any more. */
static void take_time (void) {
  struct itimerspec never = { .it_value = { .tv_sec = 0 } };
  the.ending = 0;
  the.resort = 0;
  if (the.has_timer) timer_settime(the.timer, 0, &never, NULL);
}

static void note (int signal_number) {
  hasten(signal_number);
  if (the.pending == 0) the.noted_ms = now_ms();
  the.pending = signal_number;
  if (the.phase == RUNNING && !the.listening) arm();
}

static void on_signal (int signal_number, siginfo_t *info, void *context) {
  int saved = errno;
  (void)context;
  if (info->si_code == SI_TIMER) {
    if (the.resort != 0) end_process(the.resort);
  } else if (!pthread_equal(pthread_self(), the.thread)) {
    pthread_kill(the.thread, signal_number);
  } else if (signal_number == SIGPIPE) {
    /* A socket's broken pipe is an error code to its writer; our reader's end is ours. */
    if (the.phase != CLOSING && dm_interrupt_is_output_broken()) note(signal_number);
  } else if (is_last_resort(signal_number)) {
    end_process(signal_number);
  } else {
    note(signal_number);
  }
  errno = saved;
}

static int interruption_tostring (lua_State *L) {
  lua_pushliteral(L, "interrupted");
  return 1;
}

static void make_interruption (lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "docmsg.Interruption");
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, interruption_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &interruption_key);
}

void dm_interrupt_init (lua_State *L) {
  static const int signals[] = { SIGINT, SIGTERM, SIGPIPE };
  struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
  struct sigevent again = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
  make_interruption(L);
  the.main = the.running = L;
  the.thread = pthread_self();
  the.phase = IDLE;
  the.has_timer = timer_create(CLOCK_MONOTONIC, &again, &the.timer) == 0;
  for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
    sigaction(signals[i], &action, NULL); /* no SA_RESTART: a read must return */
}

int dm_interrupt_close (void) {
  int first = the.phase != CLOSING;
  the.interactive = 0;
  the.phase = CLOSING;
  if (first) disarm(the.running);
  return first;
}

int dm_interrupt_is (lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA) return 0;
  index = lua_absindex(L, index);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &interruption_key);
  int same = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  return same;
}

lua_State *dm_interrupt_switch (lua_State *running) {
  lua_State *before = the.running;
  the.running = running;
  if (the.pending != 0 && the.phase == RUNNING && !the.listening) arm();
  return before;
}

int dm_interrupt_raised (void) {
  return the.raised != 0;
}

int dm_interrupt_pending (void) {
  return the.pending;
}

static void on_hangup (int signal_number) {
  (void)signal_number;
  the.hangup = 1;
}

static void listen_to_hangup (int on) {
  struct sigaction action = { .sa_handler = on_hangup, .sa_flags = SA_RESTART };
  if (on) sigaction(SIGHUP, &action, &the.before_hangup);
  else sigaction(SIGHUP, &the.before_hangup, NULL);
  the.hangup = 0;
}

void dm_interrupt_listen (int on, int hangup) {
  hangup = on && hangup;
  if (hangup != the.hears_hangup) listen_to_hangup(hangup);
  the.hears_hangup = hangup;
  the.listening = on;
  if (on) {
    take_time();
    return;
  }
  if (the.pending != 0) the.ending = 1;
  the.pending = 0;
}

int dm_interrupt_take_hangup (void) {
  int came = the.hangup;
  the.hangup = 0;
  return came;
}

void dm_interrupt_begin_reading (void) {
  the.interactive = 1;
  take_time();
  the.phase = READING;
}

int dm_interrupt_end_reading (void) {
  int signal_number = the.pending;
  the.phase = IDLE;
  the.pending = 0;
  if (signal_number != 0 && may_kill(signal_number)) the.ending = 1;
  return signal_number;
}

/* Message handler: keeps the traceback in its upvalue, a table, and the error value as it is. */
static int keep_traceback (lua_State *L) {
  if (dm_interrupt_is(L, 1)) return 1;
  luaL_traceback(L, L, NULL, 1);
  lua_setfield(L, lua_upvalueindex(1), "traceback");
  lua_settop(L, 1);
  return 1;
}

/* Returns the phase to go back to. */
static int begin_running (void) {
  int before = the.phase;
  the.raised = 0;
  the.phase = RUNNING;
  if (the.pending != 0) arm();
  return before;
}

/* Returns the signal that ended the call, or 0. */
static int end_running (lua_State *L, int status, int before) {
  the.phase = before;
  disarm(L);
  int heard_too_late = the.pending;
  the.pending = 0;
  if (heard_too_late != 0) the.ending = 1;
  if (heard_too_late != 0) return heard_too_late;
  return status == LUA_OK ? 0 : the.raised;
}

int dm_interrupt_call (lua_State *L) {
  luaL_checkany(L, 1);
  lua_createtable(L, 0, 1);
  lua_insert(L, 1);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, keep_traceback, 1);
  lua_insert(L, 2);  /* 1: record, 2: handler, 3: f, then its arguments */
  int before = begin_running();
  int status = lua_pcall(L, lua_gettop(L) - 3, LUA_MULTRET, 2);
  int signal_number = end_running(L, status, before);
  if (status == LUA_OK && signal_number == 0) {
    lua_pushboolean(L, 1);
    lua_replace(L, 2);
    return lua_gettop(L) - 1;
  }
  if (status == LUA_OK) lua_pushnil(L);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  lua_getfield(L, 1, "traceback");
  if (signal_number != 0) lua_pushinteger(L, signal_number);
  else lua_pushnil(L);
  return 4;
}

int dm_interrupt_aside (lua_State *L) {
  int count = dm_interrupt_call(L);
  int failed = !lua_toboolean(L, -count);
  if (failed && the.pending == 0) the.pending = (sig_atomic_t)lua_tointeger(L, -1);
  return count;
}
