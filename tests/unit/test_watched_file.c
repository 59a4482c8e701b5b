#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/service/watched_file.h"

static char directory[] = "/tmp/coffer-watched-XXXXXX";
static char path[100], other[100];

static void put(const char *name, const char *bytes, mode_t mode)
{
	FILE *file = fopen(name, "w");

	cr_assert(file && fputs(bytes, file) >= 0 && fclose(file) == 0);
	cr_assert_eq(chmod(name, mode), 0);
}

static void make(void)
{
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
}

static void drop(void)
{
	unlink(path);
	unlink(other);
	rmdir(directory);
}

TestSuite(watched_file, .init = make, .fini = drop);

static void expect_text(struct watched_file *file, const char *wanted)
{
	struct cert_text text = {.bytes = NULL};
	char error[300] = "";

	cr_assert(watched_file_read(file, &text, error, sizeof(error)), "%s", error);
	cr_expect_str_eq(text.bytes, wanted);
	cr_expect_eq(text.size, strlen(wanted));
	cr_expect_eq(watched_file_look(file), WATCHED_SAME);
	cert_text_done(&text);
}

static void expect_refused(struct watched_file *file, const char *words)
{
	struct cert_text text = {.bytes = NULL};
	char error[300] = "";

	cr_expect_not(watched_file_read(file, &text, error, sizeof(error)));
	cr_expect_null(text.bytes);
	cr_expect(strstr(error, words) && strstr(error, path), "%s", error);
}

/* As if nobody had touched it for long. */
static void wait_until_settled(const struct watched_file *file)
{
	for (int turn = 0; turn < 1000 && watched_file_look(file) == WATCHED_SETTLING; turn++)
		usleep(5000);
	cr_expect_eq(watched_file_look(file), WATCHED_CHANGED);
}

Test(watched_file, a_file_that_is_written_to_settles_and_then_has_changed)
{
	struct watched_file file = {.path = path, .max = 100};

	enum watched_state state = WATCHED_CHANGED;

	put(path, "first", 0644);
	expect_text(&file, "first");
	/* Of the same length; and again where this process did not get to run in between. */
	for (int turn = 0; turn < 100 && state == WATCHED_CHANGED; turn++) {
		put(path, "other", 0644);
		state = watched_file_look(&file);
	}
	cr_expect_eq(state, WATCHED_SETTLING);
	wait_until_settled(&file);
	expect_text(&file, "other");
}

Test(watched_file, a_file_in_the_place_of_another_has_changed)
{
	struct watched_file file = {.path = path, .max = 100};

	put(path, "first", 0644);
	expect_text(&file, "first");
	put(other, "second", 0644);
	cr_assert_eq(rename(other, path), 0);
	cr_expect_neq(watched_file_look(&file), WATCHED_SAME);
	expect_text(&file, "second");
}

Test(watched_file, a_link_that_points_elsewhere_has_changed)
{
	struct watched_file file = {.path = path, .max = 100, .secret = true};
	char third[100];

	snprintf(third, sizeof(third), "%s/third", directory);
	put(other, "second", 0600);
	put(third, "third", 0600);
	cr_assert_eq(symlink("other", path), 0);
	expect_text(&file, "second");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("third", path), 0);
	cr_expect_neq(watched_file_look(&file), WATCHED_SAME);
	expect_text(&file, "third");
	unlink(third);
}

Test(watched_file, a_file_that_goes_and_comes_back_has_changed_each_time)
{
	struct watched_file file = {.path = path, .max = 100};

	expect_refused(&file, "cannot read");
	cr_expect_eq(watched_file_look(&file), WATCHED_SAME);
	put(path, "there", 0644);
	cr_expect_neq(watched_file_look(&file), WATCHED_SAME);
	expect_text(&file, "there");
	unlink(path);
	cr_expect_eq(watched_file_look(&file), WATCHED_CHANGED);
	expect_refused(&file, "No such file");
}

Test(watched_file, no_file_never_changes)
{
	const struct watched_file none = {.path = NULL}, empty = {.path = ""};

	cr_expect_eq(watched_file_look(&none), WATCHED_SAME);
	cr_expect_eq(watched_file_look(&empty), WATCHED_SAME);
}

Test(watched_file, a_key_is_for_its_owner_and_perhaps_a_group_that_reads)
{
	static const struct {
		mode_t mode;
		bool good;
	} cases[] = {{0600, true},  {0400, true},  {0440, true},  {0640, true},	 {0660, false},
		     {0644, false}, {0604, false}, {0602, false}, {0601, false}, {0620, false}};
	struct watched_file key = {.path = path, .max = 100, .secret = true};
	struct watched_file certificate = {.path = path, .max = 100};

	put(path, "bytes", 0600);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(chmod(path, cases[i].mode), 0);
		if (cases[i].good)
			expect_text(&key, "bytes");
		else
			expect_refused(&key, "so others can use it");
	}
	cr_assert_eq(chmod(path, 0644), 0);
	expect_text(&certificate, "bytes");
}

Test(watched_file, what_is_no_small_file_is_refused)
{
	struct watched_file file = {.path = path, .max = 5};

	put(path, "five!", 0644);
	expect_text(&file, "five!");
	put(path, "six!!!", 0644);
	expect_refused(&file, "1 to 5 bytes");
	put(path, "", 0644);
	expect_refused(&file, "1 to 5 bytes");
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_refused(&file, "not a regular file");
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	expect_refused(&file, "not a regular file");
	rmdir(path);
}
