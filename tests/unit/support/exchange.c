#include "tests/unit/support/exchange.h"

#include <stdlib.h>
#include <string.h>

void bare_exchange_init(struct bare_exchange *bare, const char *method, const struct http_route *routes, size_t count)
{
	memset(bare, 0, sizeof(*bare));
	bare->app.routes = routes;
	bare->app.route_count = count;
	bare->server.options.app = &bare->app;
	bare->loop.server = &bare->server;
	bare->x.loop = &bare->loop;
	bare->x.method = method;
	bare->x.is_head = strcmp(method, "HEAD") == 0;
	memset(bare->x.request_id, 'a', REQUEST_ID_CHARS);
}

void bare_exchange_done(struct bare_exchange *bare)
{
	reply_clear(&bare->x.reply);
	while (bare->x.texts) {
		struct exchange_text *text = bare->x.texts;

		bare->x.texts = text->next;
		free(text);
	}
}

const char *bare_exchange_header(const struct bare_exchange *bare, const char *name)
{
	for (size_t i = 0; i < bare->x.reply.header_count; i++)
		if (strcmp(bare->x.reply.headers[i].name, name) == 0)
			return bare->x.reply.headers[i].value;
	return NULL;
}
