/*
 * The methods that the peer declares: METHOD, and the grading of their schemas (6.4). A schema that arrives lets the calls that
 * waited for it go on (callee_run.c).
 */
#ifndef PEER_CALLEE_METHODS_H
#define PEER_CALLEE_METHODS_H

#include "records.h"

struct callee;

void callee_declare(struct callee *callee, uint16_t number, const struct method_record *method);
/* A schema that was asked for has arrived. */
void callee_schema(struct callee *callee);

#endif
