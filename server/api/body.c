#include "server/api/body.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

enum { BODY_FIRST = 2048 };

/* Room for `room` bytes and a terminator, counted; the old contents are moved and wiped. */
static struct body *grow(struct call *call, struct body *old, size_t room)
{
	struct api *api = call->api;
	const size_t more = room - (old ? old->room : 0);
	struct body *body;

	if (atomic_fetch_add(&api->body_bytes, more) + more > api->options.body_memory) {
		atomic_fetch_sub(&api->body_bytes, more);
		http_problem(call->x, PROBLEM_BUSY, "too many bodies are on their way (--body-memory)");
		call->refused = true;
		return NULL;
	}
	body = malloc(sizeof(*body) + room + 1);
	if (!body) {
		atomic_fetch_sub(&api->body_bytes, more);
		call_refuse(call, CORE_NOMEM);
		return NULL;
	}
	body->size = old ? old->size : 0;
	body->room = room;
	if (old) {
		memcpy(body->bytes, old->bytes, old->size);
		secret_wipe(old->bytes, old->size);
		free(old);
	}
	return body;
}

void body_collect(struct call *call, struct body **body, size_t limit, const uint8_t *bytes, size_t size)
{
	const size_t used = *body ? (*body)->size : 0;
	size_t room = *body ? (*body)->room : BODY_FIRST < limit ? BODY_FIRST : limit;
	struct body *grown = *body;

	if (size > limit - used) {
		http_problem(call->x, PROBLEM_TOO_LARGE, "the limit is %zu bytes", limit);
		call->refused = true;
		return;
	}
	while (room < used + size)
		room = room < limit / 2 ? 2 * room : limit;
	if (!grown || room > grown->room)
		grown = grow(call, grown, room);
	if (!grown)
		return;
	*body = grown;
	memcpy(grown->bytes + used, bytes, size);
	grown->size = used + size;
	grown->bytes[grown->size] = '\0';
}

void body_free(struct call *call, struct body *body)
{
	if (!body)
		return;
	atomic_fetch_sub(&call->api->body_bytes, body->room);
	secret_wipe(body->bytes, body->size);
	free(body);
}
