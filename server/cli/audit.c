/* coffer audit: verify, checkpoint, export. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/unlock.h"
#include "server/core/audit.h"
#include "server/core/audit_keeper.h"
#include "server/core/audit_text.h"
#include "server/core/checkpoint.h"
#include "server/core/files.h"
#include "server/core/home.h"
#include "server/core/reason.h"

enum {
	OPTION_DATA,
	OPTION_CHECKPOINT,
	OPTION_AFTER,
	OPTION_FOLLOW,
	OPTION_PASSPHRASE_FILE,
	OPTION_CREDENTIAL_FILE,
	OPTION_COUNT
};
enum { FOLLOW_MS = 500, EXPORT_PAGE = 1000 };

static const struct argument OPTIONS[] = {
	[OPTION_DATA] = {.name = "data",
			 .value = "DIR",
			 .help = "the data directory; else COFFER_DATA, else ./coffer-data"},
	[OPTION_CHECKPOINT] = {.name = "checkpoint",
			       .value = "FILE",
			       .help = "verify: a checkpoint that was kept elsewhere, which the log must hold"},
	[OPTION_AFTER] = {.name = "after",
			  .value = "N",
			  .help = "export, reasons: begin behind the event with this number"},
	[OPTION_FOLLOW] = {.name = "follow", .letter = 'f', .help = "export: wait for more, until interrupted"},
	[OPTION_PASSPHRASE_FILE] =
		{.name = "passphrase-file",
		 .value = "FILE",
		 .help = "reasons: unlocks the private KEK; else it is asked for, when one is needed"},
	[OPTION_CREDENTIAL_FILE] = {.name = "credential-file", .value = "FILE", .help = "unlocks it too"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer audit (verify [--checkpoint FILE] | checkpoint | export [--after N] [--follow] | reasons "
		 "[--after N])\n"
		 "                    [--data DIR]",
	.about = "verify checks the audit log: no event edited, reordered or removed, and its end not cut off behind "
		 "the\n"
		 "head in DIR/audit.head, nor behind a checkpoint that was kept elsewhere. Exit status: 0 when all\n"
		 "verifies, 1 when not, 2 when the log could not be read.\n"
		 "checkpoint prints the signed head of the log, to be kept elsewhere.\n"
		 "export verifies events and prints one JSON object a line, for a log shipper.\n"
		 "reasons prints, in the same form, the reads that broke the glass, each with the reason that was "
		 "given.\n"
		 "A server may run on DIR meanwhile.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "ACTION",
};

struct auditing {
	struct home *home;
	struct store_view *view;
};

static bool begin(struct auditing *auditing, const char *data)
{
	char error[1024];

	if (home_open(&(struct home_options){.data = data, .read_only = true}, &auditing->home, error, sizeof(error)) !=
	    CORE_OK) {
		fprintf(stderr, "coffer: %s\n", error);
		return false;
	}
	if (store_view_new(home_vault(auditing->home)->store, &auditing->view) == STORE_OK)
		return true;
	fputs("coffer: the audit log cannot be read\n", stderr);
	return false;
}

static void end(struct auditing *auditing)
{
	store_view_free(auditing->view);
	home_close(auditing->home);
}

/* ---- verify -------------------------------------------------------------------------------------------------------
 */

/* 0: the log holds it; 1: not, which has been said; 2: it could not be told. */
static int compare_checkpoint(const struct auditing *auditing, const char *path)
{
	const struct vault *vault = home_vault(auditing->home);
	struct checkpoint checkpoint;
	uint8_t own[IDENTITY_PUBLIC_SIZE];
	char line[1024], *text = NULL;
	size_t size;
	enum core_status status;
	bool good;

	if (files_read(path, false, &text, &size, &(struct files_error){line, sizeof(line)}) != CORE_OK) {
		fprintf(stderr, "coffer: %s\n", line);
		return 2;
	}
	good = checkpoint_parse(text, size, &checkpoint) && checkpoint_is_signed(&checkpoint);
	secret_free(text, size + 1);
	identity_public(vault->identity, own);
	if (!good) {
		fprintf(stderr, "coffer: %s is no checkpoint, or not as it was signed\n", path);
		return 2;
	}
	if (memcmp(checkpoint.public_key, own, sizeof(own)) != 0 ||
	    memcmp(checkpoint.store_id, vault->store_id, sizeof(checkpoint.store_id)) != 0) {
		printf("checkpoint: it is of another store, or this store has another identity key\n");
		return 1;
	}
	status = checkpoint_compare(&checkpoint, vault, auditing->view);
	if (status == CORE_DAMAGED)
		printf("checkpoint: the log does not hold event %" PRIu64
		       " as it was signed: it was cut off, or written "
		       "anew\n",
		       checkpoint.sequence);
	else if (status == CORE_OK)
		printf("checkpoint: the log holds event %" PRIu64 " as it was signed\n", checkpoint.sequence);
	else
		fputs("coffer: the audit log cannot be read\n", stderr);
	return status == CORE_OK ? 0 : status == CORE_DAMAGED ? 1 : 2;
}

static int compare_head(const struct auditing *auditing)
{
	char line[1024];
	bool kept = false;
	const enum core_status status = audit_keeper_check(auditing->home, auditing->view, &kept, line, sizeof(line));

	if (status == CORE_OK && !kept)
		puts("audit.head: none was kept, so the end of the log is vouched for by nothing");
	else if (status == CORE_DAMAGED)
		printf("audit.head: %s\n", line);
	else if (status != CORE_OK)
		fprintf(stderr, "coffer: %s\n", line);
	return status == CORE_OK ? 0 : status == CORE_DAMAGED ? 1 : 2;
}

static int verify(const struct auditing *auditing, const char *checkpoint)
{
	uint64_t count = 0;
	bool good = false;
	int worst, status;

	if (audit_verify(auditing->view, home_vault(auditing->home), stdout, NULL, &count, &good) != CORE_OK) {
		fputs("coffer: the audit log cannot be read\n", stderr);
		return 2;
	}
	printf("%" PRIu64 " events verified\n", count);
	worst = good ? 0 : 1;
	status = compare_head(auditing);
	worst = status > worst ? status : worst;
	status = checkpoint ? compare_checkpoint(auditing, checkpoint) : 0;
	return status > worst ? status : worst;
}

/* ---- checkpoint ---------------------------------------------------------------------------------------------------
 */

static int print_checkpoint(const struct auditing *auditing)
{
	struct checkpoint checkpoint;
	size_t size;
	char *text = NULL;

	if (!home_vault(auditing->home)->chain || checkpoint_make(home_vault(auditing->home), &checkpoint) != CORE_OK ||
	    !(text = checkpoint_print(&checkpoint, &size))) {
		fputs("coffer: the audit log is empty or damaged: coffer audit verify tells\n", stderr);
		return 2;
	}
	puts(text);
	free(text);
	return 0;
}

/* ---- export -------------------------------------------------------------------------------------------------------
 */

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static bool print_event(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct json *doc = json_new();
	char *text;
	size_t size;
	bool *failed = arg;

	audit_text_members(doc, sequence, event, hash);
	text = json_print(doc, &size);
	json_free(doc);
	*failed = !text || puts(text) < 0;
	free(text);
	return !*failed && !stopped;
}

/* ---- reasons ------------------------------------------------------------------------------------------------------
 */

struct broken {
	uint64_t sequence;
	struct audit_event event;
	uint8_t hash[DIGEST_SIZE];
};

struct breaking {
	size_t count;
	struct broken found[EXPORT_PAGE];
};

static bool note_broken(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct breaking *breaking = arg;
	struct broken *broken = &breaking->found[breaking->count];

	if (event->has_note) {
		broken->sequence = sequence;
		broken->event = *event;
		memcpy(broken->hash, hash, sizeof(broken->hash));
		breaking->count++;
	}
	return true;
}

static enum core_status print_reason(const struct auditing *auditing, const struct broken *broken)
{
	const struct vault *vault = home_vault(auditing->home);
	char reason[REASON_MAX + 1];
	uint8_t *sealed = NULL;
	size_t size;
	struct json *doc;
	char *text;
	enum core_status status = reason_read(auditing->view, broken->sequence, broken->event.note, &sealed, &size);

	if (status == CORE_OK)
		status = reason_open(vault, broken->event.request_id, sealed, size, reason);
	free(sealed);
	if (status != CORE_OK) {
		fprintf(stderr, "coffer: the reason of audit event %" PRIu64 " %s\n", broken->sequence,
			status == CORE_NOT_FOUND || status == CORE_DAMAGED ? "was altered or removed"
									   : "cannot be read");
		return status;
	}
	doc = json_new();
	audit_text_members(doc, broken->sequence, &broken->event, broken->hash);
	json_text(doc, "reason", reason);
	text = json_print(doc, &size);
	json_free(doc);
	if (!text || puts(text) < 0)
		status = CORE_UNAVAILABLE;
	free(text);
	return status;
}

static int reasons(const struct auditing *auditing, uint64_t after)
{
	struct breaking *breaking = malloc(sizeof(*breaking));
	int worst = breaking ? 0 : 2;
	uint64_t before;

	do {
		enum core_status status;

		if (!breaking)
			break;
		before = after;
		breaking->count = 0;
		status = audit_read(auditing->view, home_vault(auditing->home), &after, EXPORT_PAGE, note_broken,
				    breaking);
		for (size_t i = 0; i < breaking->count && worst < 2; i++) {
			const enum core_status one = print_reason(auditing, &breaking->found[i]);

			worst = one == CORE_OK ? worst : one == CORE_NOT_FOUND || one == CORE_DAMAGED ? 1 : 2;
		}
		if (status != CORE_OK) {
			fputs("coffer: the audit log does not verify: coffer audit verify tells\n", stderr);
			worst = status == CORE_DAMAGED ? 1 : 2;
			break;
		}
	} while (after != before && worst < 2);
	free(breaking);
	if (fflush(stdout) != 0)
		worst = 2;
	return worst;
}

/* The private half of the KEK is needed. */
static int unlock_and_print_reasons(const struct auditing *auditing, const char *const values[static OPTION_COUNT],
				    uint64_t after)
{
	char error[4400];

	harden_process();
	if (unlock_home(auditing->home, values[OPTION_PASSPHRASE_FILE], values[OPTION_CREDENTIAL_FILE], error,
			sizeof(error)))
		return reasons(auditing, after);
	fprintf(stderr, "coffer: %s\n", error);
	return 2;
}

static int export(const struct auditing *auditing, uint64_t after, bool follow)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};
	const struct sigaction action = {.sa_handler = on_signal};
	bool failed = false;

	if (follow) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	for (;;) {
		const uint64_t before = after;
		const enum core_status status = audit_read(auditing->view, home_vault(auditing->home), &after,
							   EXPORT_PAGE, print_event, &failed);

		if (status != CORE_OK) {
			fprintf(stderr,
				"coffer: the audit log does not verify behind event %" PRIu64
				": coffer audit verify tells\n",
				after);
			return status == CORE_DAMAGED ? 1 : 2;
		}
		if (failed || fflush(stdout) != 0) {
			fputs("coffer: cannot write\n", stderr);
			return 2;
		}
		if (stopped || (after == before && !follow))
			return 0;
		if (after == before)
			(void)nanosleep(&pause, NULL); /* a signal ends it early */
	}
}

int command_audit(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct auditing auditing = {.home = NULL};
	const char *action;
	unsigned after = 0;
	int status = 2;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	action = values[OPTION_COUNT] ? values[OPTION_COUNT] : "";
	if ((strcmp(action, "verify") != 0 && strcmp(action, "checkpoint") != 0 && strcmp(action, "export") != 0 &&
	     strcmp(action, "reasons") != 0) ||
	    (values[OPTION_AFTER] && !arguments_number(values[OPTION_AFTER], 0, UINT32_MAX / 10 - 1, &after))) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	if (begin(&auditing, arguments_data(values[OPTION_DATA])))
		status = action[0] == 'v'   ? verify(&auditing, values[OPTION_CHECKPOINT])
			 : action[0] == 'c' ? print_checkpoint(&auditing)
			 : action[0] == 'r' ? unlock_and_print_reasons(&auditing, values, after)
					    : export(&auditing, after, values[OPTION_FOLLOW] != NULL);
	end(&auditing);
	return status;
}
