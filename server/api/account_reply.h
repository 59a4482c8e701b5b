/* Roles and scopes in bodies and replies. */
#ifndef COFFER_API_ACCOUNT_REPLY_H
#define COFFER_API_ACCOUNT_REPLY_H

#include "server/core/roles.h"
#include "server/json/json.h"
#include "server/json/json_doc.h"

/* An array of those names of a list whose scopes are all among `scopes`. */
void account_reply_names(struct json *doc, const char *member, const struct named_scopes *list, size_t count,
			 uint32_t scopes);
/* An array of at least one name of the list. */
MUST_CHECK enum json_doc_status account_read_names(const struct json_value *value, const struct named_scopes *list,
						   size_t count, uint32_t *ret_scopes);

#endif
