/* SPDX-License-Identifier: MIT */
#include "kafka/admin_request.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka/admin_metadata.h"
#include "kafka/error.h"
#include "kafka/reaper.h"

/* Between two attempts. */
#define BACKOFF_MS 100

/* How long a request may go unanswered before librdkafka is made to learn who the controller is, how
** often that is repeated, and what it may take. */
#define LOOK_MS 1000
#define LOOK_FOR_MS 500

/* The hint for a change whose answer was lost. */
#define UNKNOWN "whether it was done is not known: describe first, then decide"

/* librdkafka takes no more. */
#define REQUEST_MS_MAX 3600000

static void check_options (lua_State *L, const char *doing, int options, bool validates) {
  static const dm_option all[] = {
    { "validate_only", DM_OPTION_BOOLEAN, 0, 0 },
    { "timeout", DM_OPTION_DURATION, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  dm_option_default(L, options);
  dm_option_check(L, options, doing, validates ? all : all + 1);
}

dm_admin_call dm_admin_begin (lua_State *L, const char *doing, int options, bool validates) {
  dm_client *client = dm_client_check(L, 1, &dm_admin_kind, false);
  dm_admin_call call = { .doing = doing, .admin = (dm_admin *)client, .client = client };
  lua_settop(L, options);
  luaL_checkstack(L, 24, doing);
  check_options(L, doing, options, validates);
  call.deadline = dm_deadline_in(dm_option_duration(L, options, "timeout", "30s"));
  call.validate_only = dm_option_flag(L, options, "validate_only");
  lua_getiuservalue(L, 1, DM_ADMIN_SERVERS);
  call.embedded = dm_embedded_find(L, lua_tostring(L, -1));
  if (call.embedded != NULL) lua_remove(L, -2);
  call.embedded_idx = lua_gettop(L);
  return call;
}

dm_deadline dm_admin_grace (dm_deadline deadline) {
  if (deadline.at < INT64_MAX - DM_ADMIN_GRACE_MS) deadline.at += DM_ADMIN_GRACE_MS;
  return deadline;
}

void dm_admin_serve (lua_State *L, const dm_admin_call *call) {
  rd_kafka_poll(call->client->rk, 0);
  dm_client_dispatch(L, 1, call->client);
}

int dm_admin_end (lua_State *L, const dm_admin_call *call, int results) {
  dm_admin_serve(L, call);
  return results;
}

void dm_admin_reached (const dm_admin_call *call) {
  dm_feed_reached(call->client->feed);
}

int dm_admin_unreached (lua_State *L, const dm_admin_call *call, const char *text) {
  dm_trouble trouble = dm_feed_trouble(call->client->feed);
  rd_kafka_resp_err_t code = trouble.code ? trouble.code : RD_KAFKA_RESP_ERR__TIMED_OUT;
  lua_getiuservalue(L, 1, DM_ADMIN_SERVERS);
  dm_error_return(L, code, "%s: no broker of '%s' could be reached in time: %s", call->doing,
                  lua_tostring(L, -1), trouble.text[0] != '\0' ? trouble.text : text);
  if (!trouble.code) dm_error_hint(L, "is a broker running there, and can it be reached?");
  return 2;
}

static bool is_timeout (rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
}

/* Was the answer lost rather than the request refused? */
static bool is_lost (rd_kafka_resp_err_t code) {
  return is_timeout(code) || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
         code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
}

/* librdkafka tells by its text alone that the request had not been sent. */
static bool is_unsent (rd_kafka_resp_err_t code, const char *text) {
  static const char *const waits[] = { "waiting for broker", "waiting for controller",
                                       "valid list of brokers", "query partition leaders" };
  for (size_t i = 0; is_timeout(code) && i < sizeof waits / sizeof waits[0]; i++)
    if (strstr(text, waits[i]) != NULL) return true;
  return false;
}

/* Gives a hint to the error on the top of the stack, of a request whose answer was lost. */
static void hint_lost (lua_State *L, const dm_client *client, bool changes) {
  dm_trouble trouble = dm_feed_trouble(client->feed);
  if (!changes) dm_client_blame(L, client);
  else if (trouble.text[0] != '\0')
    dm_error_hint(L, "%s; the last trouble was: %s", UNKNOWN, trouble.text);
  else dm_error_hint(L, "%s", UNKNOWN);
}

/* Pushes the error of a change that may have been made. */
static int push_lost (lua_State *L, const dm_admin_call *call, rd_kafka_resp_err_t code,
                      const char *text) {
  lua_getiuservalue(L, 1, DM_ADMIN_SERVERS);
  dm_error_return(L, code, "%s: '%s' did not answer: %s", call->doing, lua_tostring(L, -1), text);
  hint_lost(L, call->client, true);
  return 2;
}

int dm_admin_failure (lua_State *L, const dm_admin_call *call, rd_kafka_resp_err_t code,
                      const char *text, bool changes) {
  if (is_unsent(code, text) || (is_lost(code) && !changes)) return dm_admin_unreached(L, call, text);
  if (is_lost(code)) return push_lost(L, call, code, text);
  dm_error_return(L, code, "%s: %s", call->doing, text);
  if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
    dm_error_hint(L, "this broker is too old for it, or it is the embedded broker of another "
                     "process, which knows no admin requests: use a real Apache Kafka");
  return 2;
}

static void free_feed (void *feed) {
  dm_feed_free(feed);
}

/* Ends the client that the request has of its own. */
static void bury (dm_request *request) {
  dm_grave grave = { .rk = request->rk, .release = free_feed, .arg = request->feed };
  dm_task *task = dm_reaper_bury(request->state->reaper, grave);
  if (task != NULL) dm_task_unref(task);
  request->rk = NULL;
  request->feed = NULL;
}

/* Gives back what belongs to rk. */
static void release (dm_request *request) {
  if (request->event != NULL) rd_kafka_event_destroy(request->event);
  if (request->options != NULL) rd_kafka_AdminOptions_destroy(request->options);
  if (request->queue != NULL) rd_kafka_queue_destroy(request->queue);
  request->event = NULL;
  request->options = NULL;
  request->queue = NULL;
  if (request->rk != NULL) bury(request);
}

static void unlink_request (dm_request *request) {
  dm_request **at;
  if (request->admin == NULL) return;
  for (at = &request->admin->requests; *at != NULL && *at != request; at = &(*at)->next) continue;
  if (*at != NULL) *at = request->next;
  request->admin = NULL;
}

void dm_request_release_all (dm_admin *admin) {
  while (admin->requests != NULL) {
    dm_request *request = admin->requests;
    unlink_request(request);
    release(request);
  }
}

static void request_cleanup (void *block) {
  dm_request *request = block;
  unlink_request(request);
  release(request);
  for (size_t i = 0; i < request->room; i++) {
    if (request->items[i] != NULL) request->operation->free(request->items[i]);
    free(request->names[i]);
  }
  free(request->items);
  free(request->names);
}

dm_request *dm_request_push (lua_State *L, const dm_admin_call *call,
                             const dm_operation *operation, size_t room) {
  dm_request *request = dm_job_push(L, sizeof *request, request_cleanup);
  request->operation = operation;
  request->names = calloc(room + 1, sizeof *request->names);
  request->items = calloc(room + 1, sizeof *request->items);
  if (request->names == NULL || request->items == NULL) luaL_error(L, "not enough memory");
  request->room = room;
  request->admin = call->admin;
  request->state = call->client->state;
  request->next = call->admin->requests;
  call->admin->requests = request;
  return request;
}

void **dm_request_add (lua_State *L, dm_request *request, const char *name) {
  size_t i = request->count;
  request->names[i] = strdup(name);
  if (request->names[i] == NULL) luaL_error(L, "not enough memory");
  request->count++;
  return &request->items[i];
}

/* A copy of the admin's properties, with a feed of its own and the name of the group. */
static rd_kafka_conf_t *copy_conf (const dm_admin_call *call, dm_feed *feed, const char *group) {
  rd_kafka_conf_t *conf = rd_kafka_conf_dup(rd_kafka_conf(call->client->rk));
  dm_feed_install(feed, conf, false);
  rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
  return conf;
}

bool dm_request_send_as (lua_State *L, const dm_admin_call *call, dm_request *request,
                         const char *group) {
  char reason[512];
  rd_kafka_conf_t *conf;
  dm_feed *feed = dm_feed_new(NULL);
  if (feed == NULL) return luaL_error(L, "not enough memory");
  conf = copy_conf(call, feed, group);
  request->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
  request->feed = feed;
  if (request->rk != NULL) return true;
  rd_kafka_conf_destroy(conf);
  dm_feed_free(feed);
  dm_error_return(L, rd_kafka_last_error(), "%s: %s", call->doing, reason);
  return false;
}

/* Refusals that say nothing about the request itself. */
static bool is_passing (rd_kafka_resp_err_t code, bool changes) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
      return true;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      return !changes;
    default:
      return false;
  }
}

bool dm_admin_may_repeat (const dm_admin_call *call, rd_kafka_resp_err_t code, bool changes) {
  return is_passing(code, changes) && dm_deadline_left(call->deadline) > BACKOFF_MS;
}

static bool may_repeat (const dm_admin_call *call, const dm_request *request,
                        rd_kafka_resp_err_t code) {
  return dm_admin_may_repeat(call, code, request->operation->changes);
}

static void start (lua_State *L, const dm_admin_call *call, dm_request *request) {
  const dm_operation *operation = request->operation;
  rd_kafka_t *rk = request->rk != NULL ? request->rk : call->client->rk;
  int left = dm_deadline_left(call->deadline);
  int timeout = left < 1 ? 1 : left > REQUEST_MS_MAX ? REQUEST_MS_MAX : left;
  char reason[256];
  if (request->event != NULL) rd_kafka_event_destroy(request->event);
  if (request->options != NULL) rd_kafka_AdminOptions_destroy(request->options);
  request->event = NULL;
  request->options = rd_kafka_AdminOptions_new(rk, operation->api);
  if (request->queue == NULL) request->queue = rd_kafka_queue_new(rk);
  if (rd_kafka_AdminOptions_set_request_timeout(request->options, timeout, reason,
                                                sizeof reason) ||
      (operation->operates && rd_kafka_AdminOptions_set_operation_timeout(
                                  request->options, timeout, reason, sizeof reason)) ||
      (operation->validates && call->validate_only &&
       rd_kafka_AdminOptions_set_validate_only(request->options, 1, reason, sizeof reason)))
    luaL_error(L, "%s: %s", call->doing, reason);
  operation->send(rk, request);
}

/* librdkafka holds a request until the broker it takes for the controller is there, and never asks who
** it is by now: for ever, when that broker was killed. Metadata name another one. */
static void look_for_controller (lua_State *L, const dm_admin_call *call) {
  int top = lua_gettop(L);
  dm_admin_call brief = *call;
  if (dm_deadline_left(brief.deadline) > LOOK_FOR_MS) brief.deadline = dm_deadline_in(LOOK_FOR_MS);
  dm_metadata_get(L, &brief, false);
  lua_settop(L, top);
}

/* Waits for the answer. False: none came. */
static bool await_answer (lua_State *L, const dm_admin_call *call, dm_request *request,
                          const dm_watch *watch) {
  dm_deadline deadline = dm_admin_grace(call->deadline), look = dm_deadline_in(LOOK_MS);
  while (request->event == NULL && dm_deadline_left(deadline) > 0) {
    request->event = rd_kafka_queue_poll(request->queue, dm_deadline_slice(deadline));
    dm_admin_serve(L, call);
    dm_watch_check(L, watch);
    if (request->event != NULL || dm_deadline_left(look) > 0) continue;
    look_for_controller(L, call);
    look = dm_deadline_in(LOOK_MS);
  }
  return request->event != NULL;
}

void dm_admin_pause (lua_State *L, const dm_admin_call *call, int ms) {
  const struct timespec pause = { 0, (long)ms * 1000000 };
  dm_watch watch = dm_watch_begin(L);
  clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL); /* a signal ends it */
  dm_admin_serve(L, call);
  dm_watch_check(L, &watch);
}

/* Does the refusal show that librdkafka has outdated metadata? */
static bool is_outdated (rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NOT_CONTROLLER ||
         code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
}

/* What the metadata request itself runs into, the next attempt will meet too. */
void dm_admin_before_next (lua_State *L, const dm_admin_call *call, rd_kafka_resp_err_t code) {
  int top = lua_gettop(L);
  dm_admin_pause(L, call, BACKOFF_MS);
  if (is_outdated(code)) dm_metadata_get(L, call, false);
  lua_settop(L, top);
}

/* Notes that a broker has answered, unless all that librdkafka answers is that none did. */
static void note_contact (const dm_admin_call *call, const dm_request *request) {
  dm_answer answer = request->operation->answer(request->event, 0);
  for (size_t i = 1; answer.name != NULL && is_lost(answer.code); i++) {
    answer = request->operation->answer(request->event, i);
    if (answer.name == NULL) return;
  }
  dm_admin_reached(call);
}

/* Sends and waits until the request as a whole is accepted. */
static bool exchange (lua_State *L, const dm_admin_call *call, dm_request *request) {
  for (;;) {
    bool changes = request->operation->changes && !call->validate_only;
    dm_watch watch = dm_watch_begin(L); /* what was not sent changes nothing */
    rd_kafka_resp_err_t code;
    start(L, call, request);
    if (!await_answer(L, call, request, &watch)) {
      dm_admin_failure(L, call, RD_KAFKA_RESP_ERR__TIMED_OUT, "no answer from the broker in time",
                       changes);
      return false;
    }
    code = rd_kafka_event_error(request->event);
    if (!code) {
      note_contact(call, request);
      return true;
    }
    if (!may_repeat(call, request, code)) {
      dm_admin_failure(L, call, code, rd_kafka_event_error_string(request->event), changes);
      return false;
    }
    dm_admin_before_next(L, call, code);
  }
}

/* The first passing refusal among the answers, or 0. */
static rd_kafka_resp_err_t passing_answer (const dm_admin_call *call, const dm_request *request) {
  dm_answer answer;
  for (size_t i = 0; (answer = request->operation->answer(request->event, i)).name != NULL; i++)
    if (answer.code && may_repeat(call, request, answer.code)) return answer.code;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool dm_request_ask (lua_State *L, const dm_admin_call *call, dm_request *request) {
  rd_kafka_resp_err_t code;
  do {
    if (!exchange(L, call, request)) return false;
    code = passing_answer(call, request);
    if (code) dm_admin_before_next(L, call, code);
  } while (code);
  return true;
}

static void push_item_error (lua_State *L, const dm_answer *answer) {
  const char *text = answer->text != NULL ? answer->text : rd_kafka_err2str(answer->code);
  dm_error_push(L, answer->code, "%s: %s", answer->name, text);
}

void dm_result_set (lua_State *L, int results, const dm_answer *answer,
                    void (*fill) (lua_State *L, const dm_answer *answer)) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, answer->name);
  lua_setfield(L, -2, "name");
  if (answer->code) {
    push_item_error(L, answer);
    lua_setfield(L, -2, "error");
  }
  if (fill != NULL) fill(L, answer);
  lua_setfield(L, results, answer->name);
}

/* The answer for the item i: librdkafka gives them in the order asked, a broker need not. */
static dm_answer answer_for (const dm_request *request, size_t i) {
  const dm_operation *operation = request->operation;
  dm_answer answer = operation->answer(request->event, i);
  if (answer.name != NULL && strcmp(answer.name, request->names[i]) == 0) return answer;
  for (size_t j = 0; (answer = operation->answer(request->event, j)).name != NULL; j++)
    if (strcmp(answer.name, request->names[i]) == 0) return answer;
  return (dm_answer){ request->names[i], RD_KAFKA_RESP_ERR__BAD_MSG,
                      "the broker's answer does not mention it", NULL };
}

static void drop (dm_request *request, size_t i) {
  request->operation->free(request->items[i]);
  free(request->names[i]);
  request->items[i] = NULL;
  request->names[i] = NULL;
}

static void move (dm_request *request, size_t from, size_t to) {
  void *item = request->items[from];
  char *name = request->names[from];
  request->items[from] = NULL;
  request->names[from] = NULL;
  request->items[to] = item;
  request->names[to] = name;
}

/* Gives the hint of a lost answer to the error of results[name]. */
static void hint_lost_item (lua_State *L, const dm_admin_call *call, const dm_request *request,
                            int results, const char *name) {
  lua_getfield(L, results, name);
  lua_getfield(L, -1, "error");
  hint_lost(L, call->client, request->operation->changes);
  lua_pop(L, 2);
}

/* Stores the answers that are final; the items of the others remain. Returns why they do. */
static rd_kafka_resp_err_t take_answers (lua_State *L, const dm_admin_call *call,
                                         dm_request *request, int results) {
  rd_kafka_resp_err_t again = RD_KAFKA_RESP_ERR_NO_ERROR;
  size_t kept = 0;
  for (size_t i = 0; i < request->count; i++) {
    dm_answer answer = answer_for(request, i);
    if (answer.code && may_repeat(call, request, answer.code)) {
      again = answer.code;
      move(request, i, kept++);
    }
    else {
      dm_result_set(L, results, &answer, request->operation->fill);
      if (is_lost(answer.code)) hint_lost_item(L, call, request, results, answer.name);
      drop(request, i);
    }
  }
  request->count = kept;
  return again;
}

/* Something is answered already and the request for the rest failed: its error, on the top of the stack,
** becomes theirs. */
static void fail_rest (lua_State *L, dm_request *request, int results) {
  for (size_t i = 0; i < request->count; i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, request->names[i]);
    lua_setfield(L, -2, "name");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "error");
    lua_setfield(L, results, request->names[i]);
  }
}

static bool is_empty (lua_State *L, int table) {
  lua_pushnil(L);
  if (!lua_next(L, table)) return true;
  lua_pop(L, 2);
  return false;
}

bool dm_request_each (lua_State *L, const dm_admin_call *call, dm_request *request, int results) {
  int top = lua_gettop(L);
  while (request->count > 0) {
    rd_kafka_resp_err_t again;
    if (!exchange(L, call, request)) {
      if (is_empty(L, results)) return false;
      fail_rest(L, request, results);
      lua_settop(L, top);
      return true;
    }
    again = take_answers(L, call, request, results);
    if (again) dm_admin_before_next(L, call, again);
  }
  return true;
}
