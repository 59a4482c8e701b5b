/* Certificates, expiries and the audit log go by the clock. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "server/core/human.h"
#include "server/doctor/doctor.h"

enum { SLACK_SECONDS = 60, DAY_SECONDS = 86400, BORN = 1735689600 /* 2025 */ };

/* The newest of the files that a server writes all the time. */
static time_t newest(const struct doctor *doctor)
{
	static const char *const NAMES[] = {"coffer.db", "coffer.db-wal", "audit.head"};
	time_t found = 0;

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		char path[PATH_MAX];
		struct stat file;

		if (doctor_path(doctor, NAMES[i], path, sizeof(path)) && stat(path, &file) == 0 &&
		    file.st_mtime > found)
			found = file.st_mtime;
	}
	return found;
}

static void look_at_time(struct doctor *doctor)
{
	const time_t now = time(NULL), written = newest(doctor);
	char ahead[HUMAN_TEXT_MAX];

	if (now < BORN) {
		doctor_tell(doctor, DOCTOR_FAIL, "set it", "the clock says that it is before 2025");
		return;
	}
	if (written <= now + SLACK_SECONDS) {
		doctor_tell(doctor, DOCTOR_OK, NULL, "the clock is not behind what was written here");
		return;
	}
	human_span((uint64_t)(written - now), ahead);
	doctor_tell(doctor, written > now + DAY_SECONDS ? DOCTOR_FAIL : DOCTOR_WARN,
		    "set the clock: expiries and the audit log go by it",
		    "the clock is %s behind what was written here last", ahead);
}

static void look_at_synchrony(struct doctor *doctor)
{
	struct timex kernel = {.modes = 0};
	const int state = adjtimex(&kernel);

	if (state < 0)
		return; /* some containers do not let it be asked */
	if (state == TIME_ERROR || kernel.status & STA_UNSYNC)
		doctor_tell(doctor, DOCTOR_NOTE, "run systemd-timesyncd or chrony, unless the machine's host keeps it",
			    "the kernel is not told that its clock is synchronised");
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "the clock is synchronised, to %ld ms at worst",
			    kernel.maxerror / 1000);
}

void doctor_clock(struct doctor *doctor)
{
	look_at_time(doctor);
	look_at_synchrony(doctor);
}
