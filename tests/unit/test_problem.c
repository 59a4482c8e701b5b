#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/exchange.h"

static const char *text_of(const cJSON *doc, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(doc, name));
}

/* Parses the reply's body, all of it. */
static cJSON *body_of(const struct bare_exchange *bare)
{
	const struct reply *reply = &bare->x.reply;
	const char *end = NULL;
	cJSON *doc = cJSON_ParseWithLengthOpts(reply->bytes, reply->size, &end, false);

	cr_assert_not_null(doc, "no JSON: %.*s", (int)reply->size, reply->bytes);
	cr_assert_eq(end, reply->bytes + reply->size, "something follows the document");
	for (size_t i = 0; i < reply->size; i++)
		cr_assert_geq((unsigned char)reply->bytes[i], 0x20, "a raw control character");
	return doc;
}

Test(problem, each_has_a_status_a_slug_of_its_own_and_a_title)
{
	for (int p = 0; p < PROBLEM_COUNT; p++) {
		const char *slug = problem_slug((enum problem)p);
		const unsigned status = problem_status((enum problem)p);

		cr_expect(status >= 400 && status < 600, "%s: %u", slug, status);
		cr_expect_gt(strlen(slug), 0);
		cr_expect_eq(strspn(slug, "abcdefghijklmnopqrstuvwxyz-"), strlen(slug), "%s", slug);
		cr_expect_gt(strlen(problem_title((enum problem)p)), 0, "%s", slug);
		for (int other = 0; other < p; other++)
			cr_expect_str_neq(slug, problem_slug((enum problem)other));
	}
}

Test(problem, each_makes_a_document_of_rfc9457)
{
	for (int p = 0; p < PROBLEM_COUNT; p++) {
		const char *slug = problem_slug((enum problem)p);
		const unsigned status = problem_status((enum problem)p);
		struct bare_exchange bare;

		bare_exchange_init(&bare, "GET", NULL, 0);
		http_problem(&bare.x, (enum problem)p, NULL);
		cJSON *doc = body_of(&bare);
		cr_expect_eq(bare.x.reply.status, status);
		cr_expect_str_eq(bare.x.reply.media_type, "application/problem+json");
		cr_expect_eq(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(doc, "status")), status);
		cr_expect_str_eq(text_of(doc, "title"), problem_title((enum problem)p));
		cr_expect_str_eq(text_of(doc, "request_id"), bare.x.request_id);
		const char *type = text_of(doc, "type");
		cr_assert(strlen(type) > strlen(slug));
		cr_expect_str_eq(type + strlen(type) - strlen(slug), slug);
		cr_expect_null(cJSON_GetObjectItemCaseSensitive(doc, "detail"));
		cr_expect_eq(bare_exchange_header(&bare, "WWW-Authenticate") != NULL, status == 401, "%s", slug);
		cr_expect_eq(bare_exchange_header(&bare, "Retry-After") != NULL, status == 503 || status == 429, "%s",
			     slug);
		cJSON_Delete(doc);
		bare_exchange_done(&bare);
	}
}

Test(problem, a_detail_is_escaped)
{
	static const char DETAIL[] = "\"quoted\" back\\slash \n\t\x01\x1f </script> \xc3\xa9";
	struct bare_exchange bare;

	bare_exchange_init(&bare, "GET", NULL, 0);
	http_problem(&bare.x, PROBLEM_BAD_REQUEST, "%s", DETAIL);
	cJSON *doc = body_of(&bare);
	cr_expect_str_eq(text_of(doc, "detail"), DETAIL);
	cJSON_Delete(doc);
	bare_exchange_done(&bare);
}

Test(problem, a_long_detail_is_cut_and_still_json)
{
	static char detail[5000];
	struct bare_exchange bare;

	memset(detail, '"', sizeof(detail) - 1);
	bare_exchange_init(&bare, "GET", NULL, 0);
	http_problem(&bare.x, PROBLEM_BAD_REQUEST, "%s", detail);
	cJSON *doc = body_of(&bare);
	cr_expect_lt(strlen(text_of(doc, "detail")), sizeof(detail) - 1);
	cJSON_Delete(doc);
	bare_exchange_done(&bare);
}

Test(problem, a_later_reply_replaces_the_earlier_with_its_headers)
{
	struct bare_exchange bare;

	bare_exchange_init(&bare, "GET", NULL, 0);
	http_problem(&bare.x, PROBLEM_UNAUTHORIZED, NULL);
	cr_assert_not_null(bare_exchange_header(&bare, "WWW-Authenticate"));
	http_problem(&bare.x, PROBLEM_NOT_FOUND, NULL);
	cr_expect_eq(http_reply_status(&bare.x), 404);
	cr_expect_null(bare_exchange_header(&bare, "WWW-Authenticate"));
	bare_exchange_done(&bare);
}
