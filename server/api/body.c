#include "server/api/body.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

static struct body *body_new(const struct call *call)
{
	const size_t room = (size_t)http_body_limit(call->x);
	struct body *body = malloc(sizeof(*body) + room + 1);

	if (!body)
		return NULL;
	body->size = 0;
	body->room = room;
	return body;
}

void body_collect(struct call *call, struct body **body, const uint8_t *bytes, size_t size)
{
	if (!*body)
		*body = body_new(call);
	if (!*body) {
		call_refuse(call, CORE_NOMEM);
		return;
	}
	if (size > (*body)->room - (*body)->size) {
		http_problem(call->x, PROBLEM_TOO_LARGE, NULL);
		call->refused = true;
		return;
	}
	memcpy((*body)->bytes + (*body)->size, bytes, size);
	(*body)->size += size;
	(*body)->bytes[(*body)->size] = '\0';
}

void body_free(struct body *body)
{
	if (!body)
		return;
	secret_wipe(body->bytes, body->size);
	free(body);
}
