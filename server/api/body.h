/* Small bodies, collected whole. They may hold a secret: what is freed is wiped. */
#ifndef COFFER_API_BODY_H
#define COFFER_API_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "server/api/call.h"

struct body {
	size_t size, room;
	char bytes[]; /* a terminator follows the last */
};

/* For api_steps.body: appends to *body, which is made at first; refuses what outgrows the route's limit. */
void body_collect(struct call *call, struct body **body, const uint8_t *bytes, size_t size);
/* NULL is accepted. */
void body_free(struct body *body);

#endif
