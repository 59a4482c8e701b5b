/* Ages of keys, under a clock that the test sets. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "server/core/epochs.h"
#include "server/core/home.h"
#include "server/doctor/doctor.h"
#include "tests/unit/support/fixture.h"

enum { DAY = 86400 };

static time_t ahead;

/* This program's own stands before the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	const int status = (int)syscall(SYS_clock_gettime, clock, ret_now);

	if (clock == CLOCK_REALTIME)
		ret_now->tv_sec += ahead;
	return status;
}

static char root[64], data[80];
static struct settings settings;
static struct doctor doctor;

/* A store with a KEK and an epoch key. */
static void setup(void)
{
	char *arguments[] = {(char[]){"doctor"}, (char[]){"--data"}, data, NULL};
	const struct home_options options = {.data = data,
					     .kek_bits = 2048,
					     .epoch_wraps = true,
					     .store = {.queue_depth = 16, .stage_bytes = 65536}};
	struct home *home = NULL;
	struct epochs *epochs;
	char error[300] = "";

	fixture_directory(root, sizeof(root));
	snprintf(data, sizeof(data), "%s/data", root);
	cr_assert_eq(settings_load(&settings, 3, arguments, stderr), SETTINGS_OK);
	doctor = (struct doctor){.settings = &settings, .root = "", .check = "keys"};
	cr_assert_eq(home_open(&options, &home, error, sizeof(error)), CORE_OK, "%s", error);
	epochs = epochs_new(&(struct epochs_options){.vault = home_vault(home), .age_ms = DAY * INT64_C(1000)});
	cr_assert(epochs);
	epochs_free(epochs);
	home_close(home);
}

static void teardown(void)
{
	doctor_done(&doctor);
	settings_done(&settings);
	fixture_remove(root);
}

TestSuite(doctor_keys, .init = setup, .fini = teardown, .timeout = 60);

static size_t found(enum doctor_grade grade, const char *words)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor.count; i++)
		count += doctor.findings[i].grade == grade && strstr(doctor.findings[i].text, words) != NULL;
	return count;
}

static void look_after(time_t seconds)
{
	ahead = seconds;
	doctor_done(&doctor);
	doctor_keys(&doctor);
	ahead = 0;
}

Test(doctor_keys, old_ones_are_noted_and_young_ones_are_not)
{
	look_after(0);
	cr_assert_eq(found(DOCTOR_OK, "the KEK is"), 1);
	cr_assert_eq(found(DOCTOR_OK, "the newest epoch key is"), 1);
	cr_assert_eq(found(DOCTOR_OK, "the identity key"), 1);
	cr_assert_eq(doctor.count, 3);
	look_after(3 * DAY);
	cr_assert_eq(found(DOCTOR_OK, "the KEK is 3 d"), 1);
	cr_assert_eq(found(DOCTOR_NOTE, "the newest epoch key is 3 d"), 1);
	look_after(731 * DAY);
	cr_assert_eq(found(DOCTOR_NOTE, "the KEK is 731 d"), 1);
	look_after(0);
	cr_assert_eq(found(DOCTOR_NOTE, ""), 0);
}
