#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/rsakey.h"
#include "crypto/secret.h"
#include "server/core/account.h"
#include "server/core/home.h"
#include "tests/unit/support/fixture.h"

static char base[64], data[80];
static char message[512];

static void setup(void)
{
	umask(022);
	fixture_directory(base, sizeof(base));
	snprintf(data, sizeof(data), "%s/home", base);
}

static void teardown(void)
{
	fixture_remove(base);
}

TestSuite(home, .init = setup, .fini = teardown, .timeout = 60);

static enum core_status open_as(bool read_only, struct home **ret_home)
{
	const struct home_options options = {.data = data,
					     .kek_bits = 2048,
					     .read_only = read_only,
					     .store = {.queue_depth = 16, .stage_bytes = 1 << 20}};

	message[0] = '\0';
	return home_open(&options, ret_home, message, sizeof(message));
}

static struct home *open_good(void)
{
	struct home *home = NULL;

	cr_assert_eq(open_as(false, &home), CORE_OK, "%s", message);
	return home;
}

static void open_once(void)
{
	home_close(open_good());
}

/* Refused with that status, in one line that has `named` in it, and with nothing handed out. */
static void assert_refused(enum core_status status, const char *named)
{
	struct home *home = NULL;

	cr_assert_eq(open_as(false, &home), status, "%s", message);
	cr_assert_null(home);
	cr_assert_not_null(strstr(message, named), "no \"%s\": %s", named, message);
	cr_assert_null(strchr(message, '\n'), "one line");
}

static const char *inside(const char *name)
{
	static char paths[4][200];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", data, name);
	return path;
}

static size_t slurp(const char *name, char *ret_bytes, size_t cap)
{
	FILE *file = fopen(inside(name), "r");

	cr_assert_not_null(file, "no %s", name);
	const size_t size = fread(ret_bytes, 1, cap - 1, file);
	fclose(file);
	ret_bytes[size] = '\0';
	return size;
}

static void spill(const char *name, const char *bytes, size_t size)
{
	FILE *file = fopen(inside(name), "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
	cr_assert_eq(chmod(inside(name), 0600), 0);
}

/* The name, below DIR, of the one KEK file. */
static void find_kek(char ret_name[static 100])
{
	DIR *keys = opendir(inside("keys"));
	int found = 0;

	cr_assert_not_null(keys);
	for (const struct dirent *entry; (entry = readdir(keys));)
		if (strncmp(entry->d_name, "kek-", 4) == 0 && strlen(entry->d_name) < 90) {
			snprintf(ret_name, 100, "keys/%.90s", entry->d_name);
			found++;
		}
	closedir(keys);
	cr_assert_eq(found, 1);
}

static void remove_database(void)
{
	static const char *const NAMES[] = {"coffer.db", "coffer.db-wal", "coffer.db-shm", "coffer.db.lock"};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		unlink(inside(NAMES[i]));
	cr_assert_neq(access(inside("coffer.db"), F_OK), 0);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	cr_assert_eq(stat(inside(name), &st), 0, "no %s", name);
	return st.st_mode & 07777;
}

/* The token in admin.token opens the store with every scope. */
static void assert_admin_can_log_in(struct home *home)
{
	struct store_view *view = NULL;
	struct principal principal;
	char token[128];

	slurp("admin.token", token, sizeof(token));
	cr_assert_eq(strlen(token), ACCOUNT_TOKEN_CHARS + 1);
	cr_assert_eq(token[ACCOUNT_TOKEN_CHARS], '\n');
	token[ACCOUNT_TOKEN_CHARS] = '\0';
	cr_assert_eq(store_view_new(home_vault(home)->store, &view), STORE_OK);
	cr_assert_eq(account_authenticate(home_vault(home), view, token, &principal), CORE_OK);
	cr_assert_eq(principal.scopes,
		     SCOPE_RECORDS_READ | SCOPE_RECORDS_WRITE | SCOPE_ADMIN | SCOPE_AUDIT | SCOPE_ANY_ACCOUNT);
	store_view_free(view);
}

/* ---- the first start and the next ---- */

Test(home, a_first_start_makes_everything_for_its_owner_alone)
{
	char kek[100], curl[400], token[128];

	umask(0);
	struct home *home = open_good();
	cr_assert(home_is_new(home));
	cr_assert_eq(home_path(home)[0], '/');
	find_kek(kek);
	static const char *const DIRECTORIES[] = {"", "keys", "tls"};
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(mode_of(DIRECTORIES[i]), 0700, "%s", DIRECTORIES[i]);
	const char *const files[] = {"coffer.db",	  "keys/store.key", kek,
				     "keys/identity.pem", "admin.token",    "admin.curl"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		cr_expect_eq(mode_of(files[i]), 0600, "%s", files[i]);
	cr_assert_eq(slurp("keys/store.key", curl, sizeof(curl)), 32);
	assert_admin_can_log_in(home);
	slurp("admin.token", token, sizeof(token));
	token[ACCOUNT_TOKEN_CHARS] = '\0';
	slurp("admin.curl", curl, sizeof(curl));
	cr_assert_not_null(strstr(curl, token));
	cr_assert_not_null(strstr(curl, "/tls/ca.pem"));
	home_close(home);
}

Test(home, the_next_start_finds_the_same)
{
	uint8_t store_id[16], kek_id[32];
	char token[128], again[128];

	struct home *home = open_good();
	memcpy(store_id, home_vault(home)->store_id, sizeof(store_id));
	memcpy(kek_id, home_vault(home)->kek_id, sizeof(kek_id));
	slurp("admin.token", token, sizeof(token));
	home_close(home);
	home = open_good();
	cr_assert_not(home_is_new(home));
	cr_assert_arr_eq(home_vault(home)->store_id, store_id, sizeof(store_id));
	cr_assert_arr_eq(home_vault(home)->kek_id, kek_id, sizeof(kek_id));
	slurp("admin.token", again, sizeof(again));
	cr_assert_str_eq(again, token);
	assert_admin_can_log_in(home);
	home_close(home);
}

Test(home, a_token_file_that_its_owner_removed_stays_away)
{
	open_once();
	cr_assert_eq(unlink(inside("admin.token")), 0);
	open_once();
	cr_assert_neq(access(inside("admin.token"), F_OK), 0);
}

Test(home, a_second_opening_is_refused)
{
	struct home *home = open_good();

	assert_refused(CORE_UNAVAILABLE, "another process");
	home_close(home);
	open_once();
}

/* ---- modes ---- */

Test(home, a_key_that_others_can_use_is_refused_by_name_and_mode)
{
	static const unsigned MODES[] = {0640, 0604, 0620, 0602, 0610, 0677};
	char kek[100], text[8];

	open_once();
	find_kek(kek);
	const char *const files[] = {"keys/store.key", kek, "keys/identity.pem"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		for (size_t j = 0; j < sizeof(MODES) / sizeof(MODES[0]); j++) {
			snprintf(text, sizeof(text), "%04o", MODES[j]);
			cr_assert_eq(chmod(inside(files[i]), (mode_t)MODES[j]), 0);
			assert_refused(CORE_DENIED, files[i]);
			cr_assert_not_null(strstr(message, text), "%s", message);
		}
		cr_assert_eq(chmod(inside(files[i]), 0600), 0);
	}
	open_once();
}

Test(home, a_directory_that_others_can_enter_is_refused_by_name_and_mode)
{
	static const char *const NAMES[] = {"", "keys", "tls"};

	open_once();
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(chmod(inside(NAMES[i]), 0750), 0);
		assert_refused(CORE_DENIED, NAMES[i]);
		cr_assert_not_null(strstr(message, "0750"), "%s", message);
		cr_assert_eq(chmod(inside(NAMES[i]), 0700), 0);
	}
	open_once();
}

/* ---- what is missing or wrong ---- */

Test(home, a_lost_key_is_an_error_and_never_replaced)
{
	char kek[100], bytes[8192];

	open_once();
	find_kek(kek);
	const char *const files[] = {"keys/store.key", kek, "keys/identity.pem"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct home *home = NULL;
		const size_t size = slurp(files[i], bytes, sizeof(bytes));

		cr_assert_eq(unlink(inside(files[i])), 0);
		cr_assert_neq(open_as(false, &home), CORE_OK, "%s", files[i]);
		cr_assert_not_null(strstr(message, files[i]), "%s", message);
		cr_assert_neq(access(inside(files[i]), F_OK), 0, "%s was replaced", files[i]);
		spill(files[i], bytes, size);
		open_once();
	}
}

Test(home, a_store_key_of_another_store_is_refused)
{
	char bytes[64];

	open_once();
	cr_assert_eq(slurp("keys/store.key", bytes, sizeof(bytes)), 32);
	spill("keys/store.key", bytes, 31);
	assert_refused(CORE_DAMAGED, "32 bytes");
	bytes[0] ^= 1;
	spill("keys/store.key", bytes, 32);
	assert_refused(CORE_DAMAGED, "do not belong together");
	bytes[0] ^= 1;
	spill("keys/store.key", bytes, 32);
	open_once();
}

Test(home, a_kek_file_with_another_key_is_refused)
{
	struct rsakey_private *other = NULL;
	char kek[100];
	char *pem = NULL;
	size_t size = 0;

	open_once();
	find_kek(kek);
	cr_assert_eq(rsakey_generate(2048, &other), CRYPTO_OK);
	cr_assert_eq(rsakey_private_to_pem(other, NULL, &pem, &size), CRYPTO_OK);
	spill(kek, pem, size);
	assert_refused(CORE_DAMAGED, kek);
	spill(kek, "no PEM", 6);
	struct home *home = NULL;
	cr_assert_neq(open_as(false, &home), CORE_OK);
	cr_assert_not_null(strstr(message, kek), "%s", message);
	secret_free(pem, size + 1);
	rsakey_private_free(other);
}

Test(home, a_damaged_database_is_refused_and_left_alone)
{
	char before[64], after[64];

	open_once();
	remove_database();
	memset(before, 'x', sizeof(before));
	spill("coffer.db", before, sizeof(before));
	assert_refused(CORE_DAMAGED, "coffer.db");
	cr_assert_eq(slurp("coffer.db", after, sizeof(after)), sizeof(after) - 1);
	cr_assert_arr_eq(after, before, sizeof(after) - 1);
}

/* ---- a first start that was interrupted ---- */

Test(home, leftovers_of_half_written_files_do_no_harm)
{
	cr_assert_eq(mkdir(data, 0700), 0);
	cr_assert_eq(mkdir(inside("keys"), 0700), 0);
	spill("keys/store.key.new", "half", 4);
	spill("keys/identity.pem.new", "half", 4);
	spill("admin.token.new", "half", 4);
	struct home *home = open_good();
	assert_admin_can_log_in(home);
	home_close(home);
	cr_assert_neq(access(inside("keys/store.key.new"), F_OK), 0);
	cr_assert_neq(access(inside("admin.token.new"), F_OK), 0);
}

Test(home, keys_without_a_database_are_kept)
{
	char key[64], key_again[64], identity[512], identity_again[512];

	open_once();
	slurp("keys/store.key", key, sizeof(key));
	slurp("keys/identity.pem", identity, sizeof(identity));
	remove_database();
	struct home *home = open_good();
	cr_assert(home_is_new(home));
	assert_admin_can_log_in(home);
	home_close(home);
	slurp("keys/store.key", key_again, sizeof(key_again));
	slurp("keys/identity.pem", identity_again, sizeof(identity_again));
	cr_assert_arr_eq(key_again, key, 32);
	cr_assert_str_eq(identity_again, identity);
}

/* A directory at the temporary name stops the first start just there, as a full disk or a crash would. */
Test(home, a_first_start_goes_on_wherever_it_stopped)
{
	static const char *const STOPS[] = {"keys/store.key", "keys/identity.pem", "admin.token", "admin.curl"};
	char obstacle[64];

	for (size_t i = 0; i < sizeof(STOPS) / sizeof(STOPS[0]); i++) {
		struct home *home = NULL;

		snprintf(data, sizeof(data), "%s/home%zu", base, i);
		cr_assert_eq(mkdir(data, 0700), 0);
		cr_assert_eq(mkdir(inside("keys"), 0700), 0);
		snprintf(obstacle, sizeof(obstacle), "%s.new", STOPS[i]);
		cr_assert_eq(mkdir(inside(obstacle), 0700), 0);
		cr_assert_neq(open_as(false, &home), CORE_OK, "%s", STOPS[i]);
		cr_assert_not_null(strstr(message, STOPS[i]), "%s", message);
		cr_assert_eq(rmdir(inside(obstacle)), 0);
		cr_assert_eq(open_as(false, &home), CORE_OK, "after %s: %s", STOPS[i], message);
		assert_admin_can_log_in(home);
		home_close(home);
		home = open_good();
		assert_admin_can_log_in(home);
		home_close(home);
	}
}

/* ---- read-only, and files ---- */

Test(home, read_only_makes_and_writes_nothing)
{
	struct home *home = NULL;

	cr_assert_neq(open_as(true, &home), CORE_OK);
	cr_assert_neq(access(data, F_OK), 0, "it made a directory");
	home = open_good();
	struct home *reader = NULL;
	cr_assert_eq(open_as(true, &reader), CORE_OK, "beside a running server: %s", message);
	cr_assert_not(home_is_new(reader));
	cr_assert_arr_eq(home_vault(reader)->store_id, home_vault(home)->store_id, 16);
	home_close(reader);
	home_close(home);
}

Test(home, files_inside_are_read_and_written)
{
	struct home *home = open_good();
	char *text = NULL;
	size_t size = 0;

	cr_assert_eq(home_read(home, "tls/ca.pem", false, &text, &size, message, sizeof(message)), CORE_NOT_FOUND);
	cr_assert_eq(home_write(home, "tls/ca.pem", 0644, "public", 6, message, sizeof(message)), CORE_OK);
	cr_assert_eq(mode_of("tls/ca.pem"), 0644);
	cr_assert_eq(home_read(home, "tls/ca.pem", true, &text, &size, message, sizeof(message)), CORE_DENIED);
	cr_assert_eq(home_read(home, "tls/ca.pem", false, &text, &size, message, sizeof(message)), CORE_OK);
	cr_assert_eq(size, 6);
	cr_assert_str_eq(text, "public");
	secret_free(text, size + 1);
	home_close(home);
	home_close(NULL);
}
