/* One JSON line a request: the route's template, never the path; no ids but the request's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/http/internal.h"

enum { LOG_CAP = 64 * 1024, LINE_MAX_BYTES = 640, TRACE_MAX = 96 };

void access_log_flush(struct loop *loop)
{
	size_t at = 0;

	while (at < loop->log_used) {
		ssize_t n = write(loop->server->options.access_log, loop->log + at, loop->log_used - at);

		if (n <= 0)
			break; /* a log that cannot be written must not stop the service */
		at += (size_t)n;
	}
	loop->log_used = 0;
}

void access_log_add(struct http_exchange *x, bool completed)
{
	struct loop *loop = x->loop;
	struct timespec now;
	struct tm utc;
	char date[32], trace[TRACE_MAX] = "";
	int n;

	if (loop->server->options.access_log < 0)
		return;
	if (!loop->log && !(loop->log = malloc(LOG_CAP)))
		return;
	if (loop->log_used + LINE_MAX_BYTES > LOG_CAP)
		access_log_flush(loop);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	if (x->trace.trace_id[0])
		snprintf(trace, sizeof(trace), "\"trace_id\":\"%s\",\"parent_id\":\"%s\",", x->trace.trace_id,
			 x->trace.parent_id);
	n = snprintf(loop->log + loop->log_used, LINE_MAX_BYTES,
		     "{\"time\":\"%s.%03ldZ\",\"request_id\":\"%s\",%s\"method\":\"%s\",\"route\":\"%s\",\"status\":%u,"
		     "\"in\":%llu,\"out\":%llu,\"ms\":%lld,\"peer\":\"%s\",\"completed\":%s}\n",
		     date, now.tv_nsec / 1000000, x->request_id, trace, x->route ? x->route->method : "-",
		     x->route ? x->route->path : "-", x->reply.status, (unsigned long long)x->received,
		     (unsigned long long)x->sent, (long long)((http_now_us() - x->begun_us) / 1000), x->peer,
		     completed ? "true" : "false");
	if (n > 0 && n < LINE_MAX_BYTES)
		loop->log_used += (size_t)n;
}
