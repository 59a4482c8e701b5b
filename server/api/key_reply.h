/* Entries of the directory as replies. */
#ifndef COFFER_API_KEY_REPLY_H
#define COFFER_API_KEY_REPLY_H

#include "server/api/call.h"
#include "server/core/directory.h"
#include "server/json/json.h"

/* Members of an object that is open. */
void key_reply_members(struct json *doc, const struct directory_entry *entry);

/* An entry alone, with ETag and Coffer-Fingerprint; at 201 its Location. */
void key_reply_entry(struct call *call, unsigned status, const struct directory_entry *entry);

/* After a look-up in the directory: refuses unless it went well, and tells the operator of a row that is damaged. */
void key_looked_up(struct call *call, enum core_status status);

#endif
