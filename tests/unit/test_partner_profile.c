#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/partner/profile.h"
#include "tests/unit/support/fixture.h"

static char dir[64], home[128];
static struct complaint complaint;

static void setup(void)
{
	umask(022);
	fixture_directory(dir, sizeof(dir));
	snprintf(home, sizeof(home), "%s/a/b/home", dir);
	unsetenv("COFFER_HOME");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", dir, 1);
	complaint.text[0] = '\0';
}

static void teardown(void)
{
	fixture_remove(dir);
}

TestSuite(partner_profile, .init = setup, .fini = teardown);

static void expect_directory(const char *given, const char *tail)
{
	char want[256];
	struct profile profile;

	snprintf(want, sizeof(want), "%s/%s", dir, tail);
	cr_assert(profile_open(given, true, &profile, &complaint), "%s", complaint.text);
	cr_expect_str_eq(profile.directory, want);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_mode & 0777;
}

static void put(const char *name, mode_t mode, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(chmod(path, mode), 0);
}

static struct profile opened(void)
{
	struct profile profile;

	cr_assert(profile_open(home, true, &profile, &complaint), "%s", complaint.text);
	return profile;
}

Test(partner_profile, is_where_it_is_said_to_be)
{
	char path[128];

	expect_directory(NULL, ".config/coffer");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	expect_directory(NULL, ".config/coffer");
	snprintf(path, sizeof(path), "%s/xdg", dir);
	setenv("XDG_CONFIG_HOME", path, 1);
	expect_directory(NULL, "xdg/coffer");
	setenv("COFFER_HOME", "", 1);
	expect_directory(NULL, "xdg/coffer");
	snprintf(path, sizeof(path), "%s/own", dir);
	setenv("COFFER_HOME", path, 1);
	expect_directory(NULL, "own");
	expect_directory(home, "a/b/home");
}

Test(partner_profile, is_its_owners_alone)
{
	static const char *const ROOMS[] = {".", "partners", "sessions", "seen"};
	struct profile profile = opened();
	char path[PROFILE_PATH_MAX];

	for (size_t i = 0; i < sizeof(ROOMS) / sizeof(ROOMS[0]); i++) {
		profile_path(&profile, ROOMS[i], path);
		cr_expect_eq(mode_of(path), 0700, "%s", ROOMS[i]);
	}
	cr_assert_eq(chmod(home, 0777), 0);
	cr_expect_not(profile_open(home, false, &profile, &complaint));
	cr_expect(strstr(complaint.text, home), "%s", complaint.text);
}

static void expect_option(const char *directory, bool given, const char *want)
{
	struct profile profile = {.given = given};
	static char text[PROFILE_OPTION_MAX];

	snprintf(profile.directory, sizeof(profile.directory), "%s", directory);
	profile_option(&profile, text);
	cr_expect_str_eq(text, want);
}

Test(partner_profile, a_command_to_be_typed_names_it_for_a_shell)
{
	expect_option("/srv/ann/x", false, "");
	expect_option("/srv/ann/x", true, " --home /srv/ann/x");
	expect_option("/srv/ann $(x)/it's", true, " --home '/srv/ann $(x)/it'\\''s'");
}

Test(partner_profile, is_made_only_on_joining)
{
	struct profile profile;

	cr_expect_not(profile_open(home, false, &profile, &complaint));
	cr_expect(strstr(complaint.text, "coffer join"), "%s", complaint.text);
	cr_expect_neq(access(home, F_OK), 0);
}

Test(partner_profile, a_path_that_is_too_long_is_refused)
{
	char path[PROFILE_PATH_MAX + 1];
	struct profile profile;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	cr_expect_not(profile_open(path, true, &profile, &complaint));
	cr_expect(strstr(complaint.text, "too long"), "%s", complaint.text);
}

Test(partner_profile, keeps_server_name_and_key)
{
	struct profile profile = opened(), again = opened();
	char path[PROFILE_PATH_MAX];

	cr_expect_eq(profile_load(&again, &complaint), STATE_ABSENT);
	strcpy(profile.origin, "https://localhost:8443");
	strcpy(profile.name, "ann");
	strcpy(profile.key_file, "/some/where/\"key\".pem");
	profile.joined = true;
	cr_assert(profile_save(&profile, &complaint), "%s", complaint.text);
	cr_assert_eq(profile_load(&again, &complaint), STATE_FOUND, "%s", complaint.text);
	cr_expect_str_eq(again.origin, profile.origin);
	cr_expect_str_eq(again.name, profile.name);
	cr_expect_str_eq(again.key_file, profile.key_file);
	cr_expect(again.joined);
	profile_path(&profile, "profile.json", path);
	cr_expect_eq(mode_of(path), 0600);
}

Test(partner_profile, a_damaged_one_is_no_profile)
{
	static const char *const WRONG[] = {
		"",
		"{}",
		"[]",
		"{\"origin\":\"https://a\",\"name\":\"ann\",\"key\":\"k\",\"joined\":1}",
		"{\"origin\":\"https://a\",\"name\":\"ann\",\"joined\":true}",
		"{\"origin\":\"https://a\",\"name\":\"../../../etc\",\"key\":\"k\",\"joined\":true}",
		"{\"origin\":\"https://a\",\"name\":\"Ann\",\"key\":\"k\",\"joined\":true}"};
	struct profile profile = opened();

	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		put("profile.json", 0600, WRONG[i]);
		cr_expect_eq(profile_load(&profile, &complaint), STATE_BROKEN, "%s", WRONG[i]);
	}
	put("profile.json", 0666, "{\"origin\":\"https://a\",\"name\":\"ann\",\"key\":\"k\",\"joined\":true}");
	cr_expect_eq(profile_load(&profile, &complaint), STATE_BROKEN, "others may write it");
}

static void expect_token(const struct profile *profile, const char *want)
{
	char *token = NULL;
	size_t size = 0;

	cr_assert(profile_token(profile, &token, &size, &complaint), "%s", complaint.text);
	cr_expect_eq(token != NULL, want != NULL);
	if (token && want)
		cr_expect_str_eq(token, want);
	secret_free(token, size);
}

Test(partner_profile, a_token_is_kept_until_it_is_forgotten)
{
	struct profile profile = opened();
	char path[PROFILE_PATH_MAX];

	expect_token(&profile, NULL);
	cr_assert(profile_set_token(&profile, "coffer_abc", &complaint), "%s", complaint.text);
	expect_token(&profile, "coffer_abc");
	profile_path(&profile, "token", path);
	cr_expect_eq(mode_of(path), 0600);
	cr_assert(profile_set_token(&profile, NULL, &complaint));
	expect_token(&profile, NULL);
	cr_assert(profile_set_token(&profile, NULL, &complaint), "forgotten already");
}

Test(partner_profile, a_token_is_one_line_that_others_cannot_read)
{
	struct profile profile = opened();
	char *token = NULL;
	size_t size;

	put("token", 0600, "coffer_abc\r\nX-More: 1\r\n");
	expect_token(&profile, "coffer_abc");
	put("token", 0644, "coffer_abc");
	cr_expect_not(profile_token(&profile, &token, &size, &complaint));
	cr_expect_null(token);
	cr_expect_not(strstr(complaint.text, "coffer_abc"), "%s", complaint.text);
}

Test(partner_profile, is_used_by_one_process_at_a_time)
{
	struct profile profile = opened(), other = opened();
	char path[PROFILE_PATH_MAX];
	FILE *file;

	cr_assert(profile_lock(&profile, &complaint), "%s", complaint.text);
	profile_path(&profile, "lock", path);
	cr_expect_eq(mode_of(path), 0600);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	cr_expect_neq(flock(fileno(file), LOCK_EX | LOCK_NB), 0);
	profile_close(&profile);
	profile_close(&profile);
	cr_expect_eq(flock(fileno(file), LOCK_EX | LOCK_NB), 0);
	fclose(file);
	cr_assert(profile_lock(&other, &complaint));
	profile_close(&other);
}
