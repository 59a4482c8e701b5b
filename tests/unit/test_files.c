#include <criterion/criterion.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/core/files.h"
#include "tests/unit/support/fixture.h"

static char dir[64], path[96], temporary[112];
static char message[256];
static struct files_error error = {message, sizeof(message)};

static void setup(void)
{
	umask(022);
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
}

static void teardown(void)
{
	fixture_remove(dir);
}

TestSuite(files, .init = setup, .fini = teardown);

static void put(const char *name, mode_t mode, const char *text)
{
	FILE *file = fopen(name, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(chmod(name, mode), 0);
}

static void assert_reads(const char *expected, bool secret)
{
	char *text = NULL;
	size_t size = 0;

	cr_assert_eq(files_read(path, secret, &text, &size, &error), CORE_OK, "%s", message);
	cr_assert_eq(size, strlen(expected));
	cr_assert_str_eq(text, expected);
	secret_free(text, size + 1);
}

static void assert_refused(bool secret, enum core_status status, const char *named)
{
	char *text = NULL;
	size_t size = 77;

	cr_assert_eq(files_read(path, secret, &text, &size, &error), status, "%s", message);
	cr_assert_null(text);
	cr_assert_eq(size, 77);
	cr_assert_not_null(strstr(message, path), "the file is not named: %s", message);
	cr_assert_not_null(strstr(message, named), "no \"%s\": %s", named, message);
	cr_assert_null(strchr(message, '\n'), "one line");
}

/* ---- reading ---- */

Test(files, what_was_written_is_read_back)
{
	cr_assert_eq(files_write(path, 0600, "first", 5, &error), CORE_OK, "%s", message);
	assert_reads("first", true);
	cr_assert_eq(files_write(path, 0600, "the second", 10, &error), CORE_OK, "%s", message);
	assert_reads("the second", true);
	cr_assert_eq(files_write(path, 0600, "", 0, &error), CORE_OK, "%s", message);
	assert_reads("", true);
}

Test(files, a_secret_file_that_others_can_use_is_refused_by_name_and_mode)
{
	put(path, 0600, "secret");
	for (unsigned mode = 0; mode < 0100; mode++) {
		char text[8];

		snprintf(text, sizeof(text), "%04o", 0600 | mode);
		cr_assert_eq(chmod(path, (mode_t)(0600 | mode)), 0);
		if (mode)
			assert_refused(true, CORE_DENIED, text);
		else
			assert_reads("secret", true);
		assert_reads("secret", false);
		cr_assert_null(strstr(message, "secret"), "what it holds is never told");
	}
}

/*
 * Of a file with mode 0600 that belongs to another, open() itself keeps out whoever has no privileges; with the
 * capability to read anything it is the check of the owner that does.
 */
Test(files, a_secret_file_of_another_user_is_refused)
{
	char text_of_child[sizeof(message)] = "";
	int ends[2], status = 0;

	if (geteuid() != 0)
		cr_skip_test("needs root, to give a file away");
	put(path, 0600, "secret");
	cr_assert_eq(pipe(ends), 0);
	const pid_t child = fork();
	if (child == 0) {
		char *text = NULL;
		size_t size;

		/* Another user who keeps root's capabilities. */
		if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0 ||
		    setresuid(65534, 65534, 65534) != 0)
			_exit(10);
		const enum core_status read = files_read(path, true, &text, &size, &error);
		const ssize_t written = write(ends[1], message, sizeof(message));
		_exit(written < 0 ? 11 : read == CORE_DENIED && !text ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 10)
		cr_skip_test("capabilities cannot be kept here");
	cr_assert_eq(WEXITSTATUS(status), 0);
	cr_assert_gt(read(ends[0], text_of_child, sizeof(text_of_child)), 0);
	cr_assert_not_null(strstr(text_of_child, path), "%s", text_of_child);
	cr_assert_not_null(strstr(text_of_child, "0600"), "%s", text_of_child);
	cr_assert_not_null(strstr(text_of_child, "another user"), "%s", text_of_child);
	close(ends[0]);
	close(ends[1]);
}

/* What the child, an ordinary user, makes of the file; 99: it was read. */
static int read_as(uid_t uid)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		char *text = NULL;
		size_t size;

		if (setresuid(uid, uid, uid) != 0)
			_exit(98);
		const enum core_status read = files_read(path, true, &text, &size, &error);
		_exit(read == CORE_OK && strcmp(text, "secret") == 0 ? 99 : (int)read);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/*
 * systemd writes a credential as root, mode 0400, and lets the service's user read it by an ACL, whose mask then shows
 * as the group's bits. Nothing beyond that one ACL is taken for it.
 */
Test(files, a_credential_that_systemd_lends_by_an_acl_is_read)
{
	enum { UID = 65534, OTHER_UID = 65533 };
	static const struct {
		const char *what;
		uid_t owner;
		uint16_t entries[6][2]; /* tag, permission */
		uint32_t ids[6];
		int expected;
	} cases[] = {
		{"lent to the service alone", 0, {{1, 4}, {2, 4}, {4, 0}, {16, 4}, {32, 0}}, {[1] = UID}, 99},
		{"lent to two",
		 0,
		 {{1, 4}, {2, 4}, {2, 4}, {4, 0}, {16, 4}, {32, 0}},
		 {[1] = OTHER_UID, UID},
		 CORE_DENIED},
		{"lent with write", 0, {{1, 4}, {2, 6}, {4, 0}, {16, 6}, {32, 0}}, {[1] = UID}, CORE_DENIED},
		{"a group reads too", 0, {{1, 4}, {2, 4}, {4, 4}, {16, 4}, {32, 0}}, {[1] = UID}, CORE_DENIED},
		{"all read too", 0, {{1, 4}, {2, 4}, {4, 0}, {16, 4}, {32, 4}}, {[1] = UID}, CORE_DENIED},
		{"lent by another user",
		 OTHER_UID,
		 {{1, 4}, {2, 4}, {4, 0}, {16, 4}, {32, 0}},
		 {[1] = UID},
		 CORE_DENIED},
	};

	if (geteuid() != 0)
		cr_skip_test("needs root, to give a file away");
	put(path, 0400, "secret");
	cr_assert_eq(chmod(dir, 0755), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t acl[4 + 6 * 8] = {2};
		size_t size = 4;

		cr_assert_eq(chown(path, cases[i].owner, 0), 0);
		for (size_t e = 0; e < 6 && cases[i].entries[e][0]; e++, size += 8) {
			const uint32_t id = cases[i].entries[e][0] == 2 ? cases[i].ids[e] : UINT32_MAX;

			memcpy(acl + size, cases[i].entries[e], 4); /* little-endian here, as in the attribute */
			memcpy(acl + size + 4, &id, 4);
		}
		if (setxattr(path, "system.posix_acl_access", acl, size, 0) != 0)
			cr_skip_test("the file system has no ACLs");
		cr_assert_eq(read_as(UID), cases[i].expected, "%s", cases[i].what);
	}
}

Test(files, what_is_not_there_is_not_found)
{
	assert_refused(true, CORE_NOT_FOUND, "No such file");
}

Test(files, links_are_not_followed)
{
	char target[96];

	snprintf(target, sizeof(target), "%s/target", dir);
	put(target, 0600, "elsewhere");
	cr_assert_eq(symlink(target, path), 0);
	assert_refused(true, CORE_UNAVAILABLE, "cannot read");
	assert_refused(false, CORE_UNAVAILABLE, "cannot read");
}

/* Opening a FIFO for reading would wait for a writer. */
Test(files, only_regular_files_are_read, .timeout = 10)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	assert_refused(true, CORE_DAMAGED, "regular");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkdir(path, 0700), 0);
	assert_refused(true, CORE_DAMAGED, "regular");
	cr_assert_eq(rmdir(path), 0);
}

Test(files, size_is_bounded)
{
	static char big[FILES_MAX + 1];
	char *text = NULL;
	size_t size = 0;

	memset(big, 'x', sizeof(big));
	cr_assert_eq(files_write(path, 0600, big, FILES_MAX, &error), CORE_OK, "%s", message);
	cr_assert_eq(files_read(path, true, &text, &size, &error), CORE_OK, "%s", message);
	cr_assert_eq(size, FILES_MAX);
	cr_assert_eq(text[size], '\0');
	secret_free(text, size + 1);
	cr_assert_eq(files_write(path, 0600, big, sizeof(big), &error), CORE_OK, "%s", message);
	assert_refused(true, CORE_DAMAGED, "small");
}

/* ---- writing ---- */

Test(files, the_mode_is_what_was_asked_for_whatever_the_umask)
{
	static const unsigned MODES[] = {0600, 0644};
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		umask(i ? 077 : 0);
		cr_assert_eq(files_write(path, MODES[i], "x", 1, &error), CORE_OK, "%s", message);
		cr_assert_eq(stat(path, &st), 0);
		cr_assert_eq(st.st_mode & 07777, MODES[i]);
	}
	umask(022);
}

Test(files, a_crash_s_leftover_is_replaced)
{
	put(temporary, 0644, "half of what was mea");
	cr_assert_eq(files_write(path, 0600, "whole", 5, &error), CORE_OK, "%s", message);
	assert_reads("whole", true);
	cr_assert_neq(access(temporary, F_OK), 0);
}

/* A link planted at the temporary name must not be written through. */
Test(files, a_planted_link_is_not_written_through)
{
	char target[96];
	struct stat st;

	snprintf(target, sizeof(target), "%s/target", dir);
	put(target, 0600, "precious");
	cr_assert_eq(symlink(target, temporary), 0);
	cr_assert_eq(files_write(path, 0600, "new", 3, &error), CORE_OK, "%s", message);
	assert_reads("new", true);
	cr_assert_eq(stat(target, &st), 0);
	cr_assert_eq(st.st_size, 8);
	/* A link at the name itself is replaced, not followed. */
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink(target, path), 0);
	cr_assert_eq(files_write(path, 0600, "newer", 5, &error), CORE_OK, "%s", message);
	assert_reads("newer", true);
	cr_assert_eq(stat(target, &st), 0);
	cr_assert_eq(st.st_size, 8);
}

Test(files, a_failed_write_leaves_the_old_file_and_no_other)
{
	char missing[128];

	/* A directory that is not empty stands in the way of the rename. */
	snprintf(missing, sizeof(missing), "%s/inner", path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(mkdir(missing, 0700), 0);
	cr_assert_neq(files_write(path, 0600, "x", 1, &error), CORE_OK);
	cr_assert_not_null(strstr(message, path), "%s", message);
	cr_assert_neq(access(temporary, F_OK), 0, "the temporary file stayed");
	cr_assert_eq(access(missing, F_OK), 0);
	cr_assert_eq(rmdir(missing), 0);
	cr_assert_eq(rmdir(path), 0);
	snprintf(missing, sizeof(missing), "%s/nowhere/file", dir);
	cr_assert_eq(files_write(missing, 0600, "x", 1, &error), CORE_NOT_FOUND);
}

/* ---- directories ---- */

Test(files, a_directory_is_made_for_its_owner_alone)
{
	struct stat st;

	umask(0);
	cr_assert_eq(files_directory(path, false, &error), CORE_NOT_FOUND);
	cr_assert_eq(files_directory(path, true, &error), CORE_OK, "%s", message);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(files_directory(path, true, &error), CORE_OK, "the second time too: %s", message);
	cr_assert_eq(rmdir(path), 0);
}

Test(files, a_directory_that_others_can_enter_is_refused_by_name_and_mode)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	for (unsigned mode = 1; mode < 0100; mode++) {
		char text[8];

		snprintf(text, sizeof(text), "%04o", 0700 | mode);
		cr_assert_eq(chmod(path, (mode_t)(0700 | mode)), 0);
		cr_assert_eq(files_directory(path, mode % 2, &error), CORE_DENIED);
		cr_assert_not_null(strstr(message, path), "%s", message);
		cr_assert_not_null(strstr(message, text), "%s", message);
	}
	cr_assert_eq(rmdir(path), 0);
}

Test(files, a_file_is_no_directory)
{
	put(path, 0600, "x");
	cr_assert_eq(files_directory(path, true, &error), CORE_UNAVAILABLE);
	cr_assert_not_null(strstr(message, path), "%s", message);
}

Test(files, a_message_is_cut_to_its_room)
{
	char small[8] = "zzzzzzz";
	struct files_error little = {small, 5};

	cr_assert_eq(files_fail(&little, CORE_DENIED, "%s", "a long line"), CORE_DENIED);
	cr_assert_str_eq(small, "a lo");
	cr_assert_eq(small[5], 'z');
}
