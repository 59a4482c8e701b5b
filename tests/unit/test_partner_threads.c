#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "server/partner/threads.h"
#include "tests/unit/support/fixture.h"

static char dir[64];
static struct profile profile;
static struct complaint complaint;

static void setup(void)
{
	umask(022);
	fixture_directory(dir, sizeof(dir));
	cr_assert(profile_open(dir, true, &profile, &complaint), "%s", complaint.text);
}

static void teardown(void)
{
	fixture_remove(dir);
}

TestSuite(partner_threads, .init = setup, .fini = teardown);

/* Each byte of a digest is its number. */
static struct thread make(const char *partner, uint8_t first, uint64_t began_ms)
{
	struct thread thread = {.key.size = 32, .sent = 3, .received = UINT64_MAX, .began_ms = began_ms};

	strcpy(thread.partner, partner);
	memset(thread.key.b, 0xc3, sizeof(thread.key.b));
	memset(thread.first, first, sizeof(thread.first));
	memset(thread.own, 0xaa, sizeof(thread.own));
	memset(thread.theirs, 0xbb, sizeof(thread.theirs));
	return thread;
}

static void save(const struct thread *thread)
{
	cr_assert(thread_save(&profile, thread, &complaint), "%s", complaint.text);
}

static void path_of(const struct thread *thread, char ret_path[static PROFILE_PATH_MAX])
{
	char hex[2 * DIGEST_SIZE + 1], file[128];

	encode_hex(thread->first, DIGEST_SIZE, hex);
	snprintf(file, sizeof(file), "sessions/%s.json", hex);
	profile_path(&profile, file, ret_path);
}

Test(partner_threads, a_session_is_kept_whole)
{
	static const size_t SIZES[] = {16, 24, 32};
	char path[PROFILE_PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		struct thread thread = make("bob", (uint8_t)i, 1), again;

		thread.key.size = SIZES[i];
		save(&thread);
		cr_assert_eq(thread_find(&profile, thread.first, &again, &complaint), STATE_FOUND, "%s",
			     complaint.text);
		cr_expect_str_eq(again.partner, "bob");
		cr_expect_eq(again.key.size, SIZES[i]);
		cr_expect_arr_eq(again.key.b, thread.key.b, SIZES[i]);
		cr_expect_arr_eq(again.first, thread.first, DIGEST_SIZE);
		cr_expect_arr_eq(again.own, thread.own, DIGEST_SIZE);
		cr_expect_arr_eq(again.theirs, thread.theirs, DIGEST_SIZE);
		cr_expect_eq(again.sent, 3);
		cr_expect_eq(again.received, UINT64_MAX);
		cr_expect_eq(again.began_ms, 1);
		path_of(&thread, path);
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 0777, 0600);
	}
}

Test(partner_threads, the_newest_with_a_partner_under_both_keys_is_continued)
{
	const struct thread right = make("bob", 1, 200), older = make("bob", 2, 100), other = make("eve", 3, 300);
	struct thread own = make("bob", 4, 300), theirs = make("bob", 5, 300), found;
	char path[PROFILE_PATH_MAX];
	FILE *file;

	cr_expect_eq(thread_newest(&profile, "bob", right.own, right.theirs, &found, &complaint), STATE_ABSENT);
	own.own[31] ^= 1;
	theirs.theirs[31] ^= 1;
	save(&own);
	save(&theirs);
	save(&other);
	cr_expect_eq(thread_newest(&profile, "bob", right.own, right.theirs, &found, &complaint), STATE_ABSENT);
	save(&right);
	save(&older);
	profile_path(&profile, "sessions/notes.txt", path);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fclose(file);
	cr_assert_eq(thread_newest(&profile, "bob", right.own, right.theirs, &found, &complaint), STATE_FOUND);
	cr_expect_arr_eq(found.first, right.first, DIGEST_SIZE);
}

Test(partner_threads, one_that_was_forgotten_is_gone)
{
	const struct thread thread = make("bob", 1, 1);
	struct thread found;

	save(&thread);
	thread_forget(&profile, thread.first);
	thread_forget(&profile, thread.first);
	cr_expect_eq(thread_find(&profile, thread.first, &found, &complaint), STATE_ABSENT);
}

Test(partner_threads, what_one_side_seals_the_other_opens_and_not_itself)
{
	static const uint8_t TEXT[] = "text";
	const struct thread ours = make("bob", 1, 1);
	struct thread theirs = ours;
	struct session sending, receiving, back;
	uint8_t sealed[SESSION_OVERHEAD + sizeof(TEXT)], opened[sizeof(TEXT)];
	uint64_t counter;

	memcpy(theirs.own, ours.theirs, DIGEST_SIZE);
	memcpy(theirs.theirs, ours.own, DIGEST_SIZE);
	thread_session(&ours, true, &sending);
	thread_session(&ours, false, &back);
	thread_session(&theirs, false, &receiving);
	cr_assert_eq(session_seal(&sending, 4, TEXT, sizeof(TEXT), sealed), CRYPTO_OK);
	cr_expect_eq(session_open(&back, 0, sealed, sizeof(sealed), opened, &counter), CRYPTO_AUTH);
	cr_assert_eq(session_open(&receiving, 3, sealed, sizeof(sealed), opened, &counter), CRYPTO_OK);
	cr_expect_arr_eq(opened, TEXT, sizeof(TEXT));
	cr_expect_eq(counter, 4);
}

Test(partner_threads, a_damaged_one_is_none_to_continue)
{
	const struct thread thread = make("bob", 1, 1);
	struct thread found = {.sent = 77};
	char path[PROFILE_PATH_MAX], text[4096];
	size_t size;
	FILE *file;

	save(&thread);
	path_of(&thread, path);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	for (size_t i = 0; i < size; i++) {
		file = fopen(path, "w");
		cr_assert_not_null(file);
		fwrite(text, 1, i, file);
		fclose(file);
		cr_expect_eq(thread_find(&profile, thread.first, &found, &complaint), STATE_BROKEN, "%zu", i);
		cr_expect_eq(found.sent, 77);
	}
	cr_expect_eq(thread_newest(&profile, "bob", thread.own, thread.theirs, &found, &complaint), STATE_BROKEN);
	cr_assert_eq(chmod(path, 0644), 0);
	cr_expect_eq(thread_find(&profile, thread.first, &found, &complaint), STATE_BROKEN, "others may read it");
}

Test(partner_threads, what_was_read_is_known_by_its_bytes)
{
	static const char ID[] = "01a20b8f-32d4-75f1-b165-537531cefebe";
	const uint8_t digest[DIGEST_SIZE] = {1}, other[DIGEST_SIZE] = {2};
	char id[37] = "";

	cr_expect_eq(seen_find(&profile, digest, id, &complaint), STATE_ABSENT);
	cr_assert(seen_put(&profile, digest, ID, &complaint), "%s", complaint.text);
	cr_assert_eq(seen_find(&profile, digest, id, &complaint), STATE_FOUND);
	cr_expect_str_eq(id, ID);
	cr_expect_eq(seen_find(&profile, other, id, &complaint), STATE_ABSENT);
}
