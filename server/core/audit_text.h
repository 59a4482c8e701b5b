/* Events of the audit log as JSON, for the API and for `coffer audit export`: one form for both. */
#ifndef COFFER_CORE_AUDIT_TEXT_H
#define COFFER_CORE_AUDIT_TEXT_H

#include "server/core/audit.h"
#include "server/json/json.h"

/* Members of an object that is open; ids of zeros, a version of 0 and an empty peer are left out. */
void audit_text_members(struct json *doc, uint64_t sequence, const struct audit_event *event,
			const uint8_t hash[static 32]);

#endif
