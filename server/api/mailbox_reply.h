/* Messages of mailboxes as replies. */
#ifndef COFFER_API_MAILBOX_REPLY_H
#define COFFER_API_MAILBOX_REPLY_H

#include "server/core/mailbox.h"
#include "server/json/json.h"

#define MESSAGE_MEDIA_TYPE "application/vnd.coffer.message"
#define SESSION_MEDIA_TYPE "application/vnd.coffer.session"

const char *mailbox_media_type(enum mailbox_kind kind);

/* Members of an object that is open. */
void mailbox_reply_members(struct json *doc, const char *to, const struct mailbox_entry *entry);

#endif
