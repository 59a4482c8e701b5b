/* What protects the private KEK, and how old the keys are. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/home.h"
#include "server/core/human.h"
#include "server/core/rowmac.h"
#include "server/doctor/doctor.h"
#include "server/http/http.h"
#include "server/service/front.h"

enum { KEK_OLD_DAYS = 730 };

/* ---- protection ---- */

static bool has(const struct doctor *doctor, const char *name)
{
	char path[PATH_MAX];

	return doctor_path(doctor, name, path, sizeof(path)) && access(path, F_OK) == 0;
}

/* Whether a file lies below the data directory. */
static bool is_within(const struct doctor *doctor, const char *path)
{
	char data[PATH_MAX], file[PATH_MAX];
	size_t size;

	if (!realpath(doctor->settings->data, data) || !realpath(path, file))
		return false;
	size = strlen(data);
	return strncmp(file, data, size) == 0 && file[size] == '/';
}

static void judge_secret_file(struct doctor *doctor, const char *option, const char *path)
{
	struct stat file;

	if (stat(path, &file) != 0)
		doctor_tell(doctor, DOCTOR_FAIL, "coffer serve does not start without", "%s %s cannot be found", option,
			    path);
	else if (file.st_mode & 077 && file.st_uid == geteuid())
		doctor_tell(doctor, DOCTOR_FAIL, "chmod 600 it: coffer serve refuses it", "%s %s has mode %04o", option,
			    path, file.st_mode & 07777u);
	else if (is_within(doctor, path))
		doctor_tell(doctor, DOCTOR_WARN, "keep it elsewhere: whoever takes the directory has both",
			    "%s %s lies beside the keys that it unlocks", option, path);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "%s is kept apart from the keys", option);
}

void doctor_protection(struct doctor *doctor)
{
	const struct settings *set = doctor->settings;
	const bool open = front_has_tls(set) && !http_plain_address(set->listen);

	if (!has(doctor, "keys/store.key"))
		return; /* there are none yet */
	if (!has(doctor, "keys/unlock-passphrase.slot") && !has(doctor, "keys/unlock-credential.slot"))
		doctor_tell(doctor, open ? DOCTOR_WARN : DOCTOR_NOTE, "coffer passphrase change locks it",
			    "no passphrase protects the KEK: whoever takes the disk can read every record");
	else if (!set->passphrase_file[0] && !set->credential_file[0] && !getenv("CREDENTIALS_DIRECTORY") &&
		 !set->ingest_only)
		doctor_tell(doctor, DOCTOR_NOTE, "coffer unseal opens it; --passphrase-file or --credential-file would",
			    "the KEK is locked, and the server starts sealed");
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "the KEK is locked on the disk");
	if (set->passphrase_file[0])
		judge_secret_file(doctor, "--passphrase-file", set->passphrase_file);
	if (set->credential_file[0])
		judge_secret_file(doctor, "--credential-file", set->credential_file);
}

/* ---- age ---- */

struct kek_search {
	const struct vault *vault;
	int64_t created_ms; /* of the current one; 0: none was found */
	size_t damaged;
};

static bool look_at_kek(void *arg, const struct store_kek *row)
{
	struct kek_search *search = arg;

	if (!rowmac_check_kek(search->vault, row))
		search->damaged++;
	else if (row->state == 1)
		search->created_ms = row->created_ms;
	return true;
}

static uint64_t seconds_since(int64_t unix_ms)
{
	const int64_t now = clock_unix_ms();

	return now > unix_ms ? (uint64_t)(now - unix_ms) / 1000 : 0;
}

static void judge_kek(struct doctor *doctor, const struct vault *vault, struct store_view *view)
{
	struct kek_search search = {.vault = vault};
	char age[HUMAN_TEXT_MAX];

	if (store_kek_list(view, look_at_kek, &search) != STORE_OK || search.damaged > 0 || search.created_ms == 0) {
		doctor_tell(doctor, DOCTOR_FAIL, "coffer check tells more", "the rows of the KEKs do not verify");
		return;
	}
	human_span(seconds_since(search.created_ms), age);
	doctor_tell(doctor, seconds_since(search.created_ms) > KEK_OLD_DAYS * UINT64_C(86400) ? DOCTOR_NOTE : DOCTOR_OK,
		    seconds_since(search.created_ms) > KEK_OLD_DAYS * UINT64_C(86400)
			    ? "copies of its file and of its passphrase grow in number with the years"
			    : NULL,
		    "the KEK is %s old", age);
}

static void judge_epoch(struct doctor *doctor, const struct vault *vault, struct store_view *view)
{
	const struct settings *set = doctor->settings;
	struct store_epoch *epoch = NULL;
	const enum store_status found = store_epoch_latest(view, vault->kek_id, &epoch);
	char age[HUMAN_TEXT_MAX];

	if (!set->epoch_wraps || set->ingest_only)
		goto out;
	if (found == STORE_OK && rowmac_check_epoch(vault, epoch)) {
		const uint64_t seconds = seconds_since(epoch->created_ms);

		human_span(seconds, age);
		if (seconds > 2 * set->epoch_age / 1000)
			doctor_tell(doctor, DOCTOR_NOTE, "the server was sealed since, or did not run",
				    "the newest epoch key is %s old", age);
		else
			doctor_tell(doctor, DOCTOR_OK, NULL, "the newest epoch key is %s old", age);
	} else if (found == STORE_NOT_FOUND) {
		doctor_tell(doctor, DOCTOR_NOTE, "the server makes one when it is unsealed",
			    "there has been no epoch key yet");
	} else {
		doctor_tell(doctor, DOCTOR_FAIL, "coffer check tells more", "the newest epoch key does not verify");
	}
out:
	free(epoch);
}

static void judge_identity(struct doctor *doctor)
{
	char path[PATH_MAX], age[HUMAN_TEXT_MAX];
	struct stat file;

	if (!doctor_path(doctor, "keys/identity.pem", path, sizeof(path)) || stat(path, &file) != 0)
		return;
	human_span(seconds_since((int64_t)file.st_mtime * 1000), age);
	doctor_tell(doctor, DOCTOR_OK, NULL, "the identity key, which signs receipts and checkpoints, is %s old", age);
}

void doctor_keys(struct doctor *doctor)
{
	/* The private half is not looked at. */
	const struct home_options options = {.data = doctor->settings->data, .read_only = true, .ingest_only = true};
	struct home *home = NULL;
	struct store_view *view = NULL;
	char error[DOCTOR_TEXT_MAX];

	if (!has(doctor, "coffer.db"))
		return;
	if (home_open(&options, &home, error, sizeof(error)) != CORE_OK) {
		doctor_tell(doctor, DOCTOR_FAIL, "coffer serve does not start so", "%s", error);
		return;
	}
	if (store_view_new(home_vault(home)->store, &view) == STORE_OK) {
		judge_kek(doctor, home_vault(home), view);
		judge_epoch(doctor, home_vault(home), view);
	} else {
		doctor_tell(doctor, DOCTOR_FAIL, "coffer check tells more", "the database cannot be read");
	}
	judge_identity(doctor);
	store_view_free(view);
	home_close(home);
}
