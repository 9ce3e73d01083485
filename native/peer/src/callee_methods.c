/* See callee_methods.h. */
#include "callee_methods.h"

#include <string.h>

#include "callee_run.h"
#include "callee_slots.h"
#include "resolve.h"

static struct fingerprint keep(struct view given) {
  struct fingerprint kept = {.is_null = given.length == 0};
  if (!kept.is_null) memcpy(kept.bytes, given.at, FINGERPRINT_BYTES);
  return kept;
}

static struct view fingerprint_of(const struct schema *schema) {
  return schema == NULL ? (struct view){0} : schema_fingerprint(schema);
}

static bool is_identical(const struct fingerprint *theirs, const struct schema *own) {
  if (theirs->is_null || own == NULL) return theirs->is_null && own == NULL;
  return memcmp(theirs->bytes, own->fingerprint, FINGERPRINT_BYTES) == 0;
}

/* This side's own schemas. Its methods declare no errors. */
static void answer_method(struct callee *callee, uint16_t number, const struct method_record *declared, const struct handler *handler) {
  struct link *link = callee->link;
  struct method_record own = {.role = ANSWER, .name = declared->name, .kind = declared->kind};
  own.request = fingerprint_of(handler->request);
  own.response = fingerprint_of(handler->response);
  exchange_name(callee->exchange, handler->request);
  exchange_name(callee->exchange, handler->response);
  struct buffer payload = {0};
  method_encode(&payload, &own);
  link_send(link, &(struct frame){.type = METHOD, .method = number, .body = view_of_buffer(&payload)});
  buffer_free(&payload);
}

/* FITS, BREAKING or PENDING of one direction. `theirs` is the writer's schema of requests, the reader's of responses. */
static enum fit grade_one(struct callee *callee, struct method *method, bool is_request) {
  const struct fingerprint *theirs = is_request ? &method->request : &method->response;
  const struct schema *own = is_request ? method->handler->request : method->handler->response, *come;
  if (is_identical(theirs, own)) return FITS;
  method->path.length = 0;
  if (theirs->is_null || own == NULL) return BREAKING;
  if (!exchange_want(callee->exchange, (struct view){theirs->bytes, FINGERPRINT_BYTES}, &come)) return PENDING;
  if (come == NULL) return BREAKING;
  if (is_request) method->writer = come;
  bool fits = is_request ? resolve_grade(own, come, false, &method->path) : resolve_grade(come, own, true, &method->path);
  return fits ? FITS : BREAKING;
}

static void grade(struct callee *callee, struct method *method) {
  /* Both are asked for together. A method is breaking as soon as one of them is. */
  enum fit request = grade_one(callee, method, true);
  if (request == BREAKING) {
    method->fit = BREAKING;
    return;
  }
  enum fit response = grade_one(callee, method, false);
  method->fit = response == BREAKING ? BREAKING : request == PENDING || response == PENDING ? PENDING : FITS;
}

void callee_declare(struct callee *callee, uint16_t number, const struct method_record *declared) {
  struct link *link = callee->link;
  if (number >= link->settings.limits.value[METHODS_MAX]) {
    return link_close(link, PROTOCOL, "a method number beyond methodsMax");
  }
  struct method *method = &callee->methods[number];
  if (method->fit != UNDECLARED) return link_close(link, PROTOCOL, "a method number is declared twice");
  *method = (struct method){.kind = declared->kind, .handler = service_find(link->settings.service, declared->name)};
  if (method->handler == NULL) method->fit = UNKNOWN_METHOD;
  else if (method->handler->kind != declared->kind) method->fit = OTHER_KIND;
  else {
    method->request = keep(declared->request);
    method->response = keep(declared->response);
    bool all = is_identical(&method->request, method->handler->request) && is_identical(&method->response, method->handler->response);
    if (!all || declared->errors.length > 0) answer_method(callee, number, declared, method->handler);
    grade(callee, method);
  }
}

void callee_schema(struct callee *callee) {
  for (int64_t number = 0; number < callee->link->settings.limits.value[METHODS_MAX]; number++) {
    if (callee->methods[number].fit == PENDING) grade(callee, &callee->methods[number]);
  }
  for (uint32_t index = 0; index < callee->slots_used; index++) {
    const struct slot *slot = &callee->slots[index];
    if (slot->state != FREE && !slot->started && callee->methods[slot->method].fit != PENDING) callee_resume(callee, index);
  }
  callee_resume_oneways(callee);
}
