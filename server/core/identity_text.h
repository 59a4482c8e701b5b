/* The keys that a store signs with as JSON: what GET /.well-known/coffer answers, and `coffer identity list` prints. */
#ifndef COFFER_CORE_IDENTITY_TEXT_H
#define COFFER_CORE_IDENTITY_TEXT_H

#include "server/core/identities.h"
#include "server/json/json.h"

/* Members of the object that is open: store, identity_keys. */
void identity_text_members(struct json *doc, const struct vault *vault);

/* The same, read. False: it is not that. */
MUST_CHECK bool identity_text_parse(const char *text, size_t size, uint8_t ret_store_id[static 16],
				    struct identities *ret_identities);

#endif
