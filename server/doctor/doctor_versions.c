/* The libraries that run, beside those that this program was built with. */
#include <stdlib.h>
#include <string.h>

#include "crypto/library.h"
#include "db/figures.h"
#include "server/client/client.h"
#include "server/doctor/doctor.h"
#include "server/http/http.h"
#include "server/tls/context.h"

/* Less than, equal to, greater than 0; numbers with dots between, what follows them does not count. */
int doctor_compare_versions(const char *one, const char *other)
{
	for (;;) {
		char *one_end, *other_end;
		const unsigned long a = strtoul(one, &one_end, 10), b = strtoul(other, &other_end, 10);

		if (a != b)
			return a < b ? -1 : 1;
		if (*one_end != '.' || *other_end != '.')
			return (*one_end == '.') - (*other_end == '.');
		one = one_end + 1;
		other = other_end + 1;
	}
}

void doctor_judge_version(struct doctor *doctor, const char *name, const char *built, const char *runs)
{
	if (doctor_compare_versions(runs, built) < 0)
		doctor_tell(doctor, DOCTOR_WARN, "install the newer one, or build coffer on this system",
			    "%s %s runs, and coffer was built with %s", name, runs, built);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "%s %s", name, runs);
}

void doctor_versions(struct doctor *doctor)
{
	char built[32], runs[32];
	static const struct {
		const char *name;
		void (*tell)(char ret_built[static 32], char ret_runs[static 32]);
	} LIBRARIES[] = {
		{"GnuTLS", tls_library},	 {"Nettle", crypto_library},  {"SQLite", store_library},
		{"libmicrohttpd", http_library}, {"libcurl", client_library},
	};

	doctor_tell(doctor, DOCTOR_OK, NULL, "coffer %s", COFFER_VERSION);
	for (size_t i = 0; i < sizeof(LIBRARIES) / sizeof(LIBRARIES[0]); i++) {
		LIBRARIES[i].tell(built, runs);
		doctor_judge_version(doctor, LIBRARIES[i].name, built, runs);
	}
}
