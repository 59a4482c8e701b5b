#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/partner/state.h"
#include "tests/unit/support/fixture.h"

static char dir[64], path[96];
static struct complaint complaint;

static void setup(void)
{
	umask(022);
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/state.json", dir);
}

static void teardown(void)
{
	fixture_remove(dir);
}

TestSuite(partner_state, .init = setup, .fini = teardown);

static struct json_doc *parsed(const char *text)
{
	struct json_doc *doc = NULL;

	cr_assert_eq(json_doc_parse(text, strlen(text), &doc), JSON_DOC_OK, "%s", text);
	return doc;
}

Test(partner_state, what_is_written_is_read)
{
	const uint8_t digest[DIGEST_SIZE] = {1, 2, 0xff};
	struct json *doc = json_new();
	struct json_doc *again = NULL;
	uint8_t bytes[DIGEST_SIZE];
	uint64_t number = 0, counter = 0;
	char text[16];
	bool truth = false;
	struct stat st;

	json_text(doc, "text", "\"quoted\"\n");
	json_number(doc, "number", 77);
	json_bool(doc, "truth", true);
	state_put_hex(doc, "digest", digest);
	state_put_counter(doc, "counter", UINT64_MAX);
	cr_assert(state_write(path, 0600, doc, &complaint), "%s", complaint.text);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(state_read(path, true, &again, &complaint), STATE_FOUND, "%s", complaint.text);
	cr_expect(state_text(again, "text", sizeof(text) - 1, text));
	cr_expect_str_eq(text, "\"quoted\"\n");
	cr_expect(state_number(again, "number", &number));
	cr_expect_eq(number, 77);
	cr_expect(state_bool(again, "truth", &truth));
	cr_expect(truth);
	cr_expect(state_hex(again, "digest", bytes));
	cr_expect_arr_eq(bytes, digest, sizeof(digest));
	cr_expect(state_counter(again, "counter", &counter));
	cr_expect_eq(counter, UINT64_MAX);
	json_doc_free(again);
}

Test(partner_state, a_file_that_is_not_there_is_no_damage)
{
	struct json_doc *doc = NULL;

	cr_expect_eq(state_read(path, true, &doc, &complaint), STATE_ABSENT);
	cr_expect_null(doc);
}

Test(partner_state, a_counter_has_one_spelling)
{
	static const char *const WRONG[] = {"{\"n\":7}",
					    "{\"n\":\"\"}",
					    "{\"n\":\"-1\"}",
					    "{\"n\":\"+1\"}",
					    "{\"n\":\" 1\"}",
					    "{\"n\":\"1 \"}",
					    "{\"n\":\"01\"}",
					    "{\"n\":\"0x1\"}",
					    "{\"n\":\"1e3\"}",
					    "{\"n\":\"18446744073709551616\"}",
					    "{}",
					    "{\"n\":\"118446744073709551615\"}",
					    "{\"n\":null}"};

	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		struct json_doc *doc = parsed(WRONG[i]);
		uint64_t counter = 5;

		cr_expect_not(state_counter(doc, "n", &counter), "%s", WRONG[i]);
		cr_expect_eq(counter, 5, "%s", WRONG[i]);
		json_doc_free(doc);
	}
}

Test(partner_state, members_of_another_form_are_not_taken)
{
	struct json_doc *doc = parsed("{\"long\":\"12345\",\"number\":-1,\"fraction\":1.5,\"hex\":\"AB\",\"truth\":1}");
	uint8_t bytes[DIGEST_SIZE];
	uint64_t number = 5;
	char text[5] = "kept";
	bool truth;

	cr_expect_not(state_text(doc, "long", sizeof(text) - 1, text));
	cr_expect_not(state_text(doc, "absent", sizeof(text) - 1, text));
	cr_expect_str_eq(text, "kept");
	cr_expect_not(state_number(doc, "number", &number));
	cr_expect_not(state_number(doc, "fraction", &number));
	cr_expect_eq(number, 5);
	cr_expect_not(state_hex(doc, "hex", bytes));
	cr_expect_not(state_bool(doc, "truth", &truth));
	json_doc_free(doc);
}

Test(partner_state, a_complaint_is_cut_and_not_overrun)
{
	char text[2 * sizeof(complaint.text)];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	cr_expect_not(complain(&complaint, "%s", text));
	cr_expect_eq(strlen(complaint.text), sizeof(complaint.text) - 1);
}
