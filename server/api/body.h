/* Small bodies, collected whole. They may hold a secret: what is freed is wiped. */
#ifndef COFFER_API_BODY_H
#define COFFER_API_BODY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "server/api/call.h"

struct body {
	size_t size, room;
	char bytes[]; /* a terminator follows the last */
};

/*
 * For api_steps.body: appends to *body, which is made at first, and grows as the bytes come. Refuses what outgrows
 * `limit` bytes, and what would make all bodies together take more memory than is allowed for them (503).
 */
void body_collect(struct call *call, struct body **body, size_t limit, const uint8_t *bytes, size_t size);
/* NULL is accepted. */
void body_free(struct call *call, struct body *body);

#endif
