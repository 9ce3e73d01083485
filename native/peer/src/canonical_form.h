/* Avro's Parsing Canonical Form of a schema: the input of fingerprints, and the content of SCHEMA. */
#ifndef PEER_CANONICAL_FORM_H
#define PEER_CANONICAL_FORM_H

#include "schema.h"

void canonical_form(const struct schema *schema, struct buffer *to);

#endif
