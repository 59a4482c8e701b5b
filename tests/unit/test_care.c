#include <criterion/criterion.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/core/care.h"
#include "server/core/clock.h"
#include "tests/unit/support/fixture.h"

enum { HOUR = 3600000, OLD = 2500, YOUNG = 3 };

static struct fixture f;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[4096]; /* under the lock */

static void note(const char *line)
{
	pthread_mutex_lock(&lock);
	strncat(lines, line, sizeof(lines) - strlen(lines) - 2);
	strcat(lines, "\n");
	pthread_mutex_unlock(&lock);
}

static bool noted(const char *text)
{
	pthread_mutex_lock(&lock);
	bool found = strstr(lines, text) != NULL;
	pthread_mutex_unlock(&lock);
	return found;
}

static void setup(void)
{
	fixture_open(&f);
}

static void teardown(void)
{
	fixture_close(&f);
}

TestSuite(care, .init = setup, .fini = teardown, .timeout = 60);

static enum store_status fill_apply(struct store_job *job, struct store_txn *txn)
{
	enum store_status status = STORE_OK;

	(void)job;
	for (uint64_t i = 0; i < OLD + YOUNG && status == STORE_OK; i++) {
		struct store_idempotency row = {.version = i + 1,
						.created_ms = clock_unix_ms() - (i < OLD ? 3 * HOUR : 0)};

		memcpy(row.key_mac, &i, sizeof(i));
		status = store_idempotency_insert(txn, &row);
	}
	return status;
}

static size_t keys_left(void)
{
	struct store_view *view = NULL;
	size_t count = 0;

	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
	for (uint64_t i = 0; i < OLD + YOUNG; i++) {
		struct store_idempotency row;
		uint8_t key[32] = {0};

		memcpy(key, &i, sizeof(i));
		count += store_idempotency_get(view, key, &row) == STORE_OK;
	}
	store_view_free(view);
	return count;
}

/* Neither the interval of the other chore nor what one transaction takes holds it up. */
Test(care, forgets_old_keys_at_an_interval_of_its_own)
{
	const struct care_options options = {.vault = &f.vault,
					     .shred_every_ms = HOUR,
					     .expire_every_ms = 50,
					     .idempotency_ttl_ms = HOUR,
					     .log = note};
	struct store_job fill = {.apply = fill_apply};

	cr_assert_eq(store_run(f.vault.store, &fill), STORE_OK);
	struct care *care = care_new(&options);
	cr_assert_not_null(care);
	while (keys_left() > YOUNG)
		usleep(1000);
	cr_assert_eq(keys_left(), YOUNG);
	care_free(care);
	cr_assert_str_empty(lines);
}

static void execute(const char *sql)
{
	sqlite3 *database = NULL;

	cr_assert_eq(sqlite3_open(f.path, &database), SQLITE_OK);
	sqlite3_busy_timeout(database, 10000);
	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(database));
	sqlite3_close(database);
}

Test(care, tells_once_that_a_chore_fails_and_once_that_it_works_again)
{
	const struct care_options options = {.vault = &f.vault,
					     .shred_every_ms = HOUR,
					     .expire_every_ms = 10,
					     .idempotency_ttl_ms = HOUR,
					     .log = note};

	execute("ALTER TABLE idempotency RENAME TO away");
	struct care *care = care_new(&options);
	cr_assert_not_null(care);
	while (!noted("Idempotency-Keys fails"))
		usleep(1000);
	execute("ALTER TABLE away RENAME TO idempotency");
	while (!noted("Idempotency-Keys works again"))
		usleep(1000);
	care_free(care);
	const char *first = strstr(lines, "fails");
	cr_assert_null(strstr(first + 1, "fails"), "%s", lines);
}

Test(care, ends_at_once_whatever_its_intervals)
{
	const struct care_options options = {.vault = &f.vault, .shred_every_ms = HOUR, .expire_every_ms = HOUR};

	care_free(care_new(&options));
	care_free(NULL);
}
