#include <criterion/criterion.h>

#include "server/json/json_doc.h"
#include "tests/unit/support/nomem.h"

Test(nomem_json, a_document_fails_cleanly_until_all_allocations_succeed)
{
	static const char TEXT[] = "{\"a\":[1,2,{\"b\":\"\\u00e9\"}]}";
	char place;
	struct json_doc *const mark = (struct json_doc *)(void *)&place;
	struct json_doc *doc = mark;
	enum json_doc_status status;
	bool failed;
	size_t n = 0;

	do {
		doc = mark;
		nomem_arm(n++, NOMEM_ONCE);
		status = json_doc_parse(TEXT, sizeof(TEXT) - 1, &doc);
		failed = nomem_disarm();
		cr_assert_eq(status, failed ? JSON_DOC_NOMEM : JSON_DOC_OK);
		cr_assert_eq(doc == mark, failed);
		if (!failed)
			json_doc_free(doc);
		cr_assert_eq(nomem_live(), 0);
	} while (failed);
	cr_assert_geq(n, 4);
}
