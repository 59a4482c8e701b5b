#include "server/api/page.h"

#include <stdlib.h>
#include <string.h>

bool page_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;

	if (text[0] < '1' || text[0] > '9' || strlen(text) > 18)
		return false;
	*ret_number = strtoull(text, &end, 10);
	return *end == '\0' && *ret_number <= max;
}

bool page_query(struct call *call, size_t *ret_limit, const char **ret_after)
{
	static const char *const KNOWN[] = {"limit", "after", NULL};
	const char *text = http_query(call->x, "limit");
	uint64_t limit = PAGE_LIMIT_DEFAULT;

	if (!http_query_only(call->x, KNOWN) || (text && !page_number(text, PAGE_LIMIT_MAX, &limit))) {
		http_problem(call->x, PROBLEM_BAD_REQUEST, "the query takes limit (1 to 1000) and after, once each");
		call->refused = true;
		return false;
	}
	*ret_limit = (size_t)limit;
	*ret_after = http_query(call->x, "after");
	return true;
}

bool json_reply(struct call *call, unsigned status, struct json *doc)
{
	size_t size;
	char *text = json_print(doc, &size);

	json_free(doc);
	if (!text) {
		call_refuse(call, CORE_NOMEM);
		return false;
	}
	http_reply_bytes(call->x, status, "application/json", text, size);
	free(text);
	return true;
}

void page_reply(struct call *call, struct json *doc, const char *path, size_t limit, const char *next)
{
	if (next)
		json_text(doc, "next", next);
	if (json_reply(call, 200, doc) && next)
		http_reply_header(call->x, "Link", "<%s?limit=%zu&after=%s>; rel=\"next\"", path, limit, next);
}
