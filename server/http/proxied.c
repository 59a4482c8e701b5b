/* What trusted proxies tell of requests (forwarded.h); what anybody else tells is not even looked at. */
#include <string.h>

#include "server/http/forwarded.h"
#include "server/http/internal.h"

static enum MHD_Result add_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				 const char *value, size_t value_size)
{
	enum forwarded_field field;

	(void)kind;
	(void)name_size;
	if (forwarded_names(name, &field))
		(void)forwarded_add(arg, field, value ? value : "", value_size);
	return MHD_YES;
}

bool proxied_read(struct http_exchange *x)
{
	struct forwarded f;

	if (!x->connection->trusted)
		return true;
	forwarded_begin(&f, &x->loop->server->proxies);
	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, add_field, &f);
	if (f.malformed) {
		http_problem(x, PROBLEM_BAD_REQUEST,
			     "what the proxy tells of the client is malformed: X-Forwarded-For, -Proto and -Host, or "
			     "Forwarded alone");
		return false;
	}
	if (f.scheme != FORWARDED_UNTOLD)
		x->secure = f.scheme == FORWARDED_HTTPS;
	if (f.client[0])
		x->peer = exchange_copy(x, f.client, strlen(f.client));
	if (f.host[0])
		x->host = exchange_copy(x, f.host, strlen(f.host));
	if (!x->peer || (f.host[0] && !x->host)) {
		x->peer = x->connection->peer;
		http_problem(x, PROBLEM_INTERNAL, NULL);
	}
	return x->reply.status == 0;
}
