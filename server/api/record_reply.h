/* What the replies about records have in common. */
#ifndef COFFER_API_RECORD_REPLY_H
#define COFFER_API_RECORD_REPLY_H

#include "server/core/record.h"
#include "server/http/http.h"

/* The metadata document, with ETag, Last-Modified and Repr-Digest; Location too when the status is 201. */
void record_reply_info(struct http_exchange *x, unsigned status, const struct record_info *info);

/* ETag, Last-Modified and, `unlocked`, Repr-Digest and Coffer-Labels. */
void record_reply_headers(struct http_exchange *x, const struct record_info *info, bool unlocked);

#endif
