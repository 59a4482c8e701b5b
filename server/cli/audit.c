/* coffer audit: verify, checkpoint; and which of its other files does what. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/audit.h"
#include "server/cli/commands.h"
#include "server/core/audit.h"
#include "server/core/audit_keeper.h"
#include "server/core/checkpoint.h"
#include "server/core/files.h"
#include "server/core/identities.h"

enum {
	OPTION_DATA,
	OPTION_CHECKPOINT,
	OPTION_AFTER,
	OPTION_FOLLOW,
	OPTION_BEFORE,
	OPTION_PASSPHRASE_FILE,
	OPTION_CREDENTIAL_FILE,
	OPTION_COUNT
};

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
	[OPTION_BEFORE] = {.name = "before",
			   .value = "TIME",
			   .help = "archive: events before this, as 2026-01-31T12:00:00Z"},
	[OPTION_PASSPHRASE_FILE] =
		{.name = "passphrase-file",
		 .value = "FILE",
		 .help = "reasons: unlocks the private KEK; else it is asked for, when one is needed"},
	[OPTION_CREDENTIAL_FILE] = {.name = "credential-file", .value = "FILE", .help = "unlocks it too"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer audit (verify [--checkpoint FILE] | checkpoint | export [--after N] [--follow] | reasons "
		 "[--after N]\n"
		 "                    | archive --before TIME | index) [--data DIR]",
	.about = "verify checks the audit log: no event edited, reordered or removed, and its end not cut off behind "
		 "the\n"
		 "head in DIR/audit.head, nor behind a checkpoint that was kept elsewhere. Exit status: 0 when all\n"
		 "verifies, 1 when not, 2 when the log could not be read.\n"
		 "checkpoint prints the signed head of the log, to be kept elsewhere.\n"
		 "export verifies events and prints one JSON object a line, for a log shipper.\n"
		 "reasons prints, in the same form, the reads that broke the glass, each with the reason that was "
		 "given.\n"
		 "archive moves events that verify into files under DIR/audit-archive, which all of these read as "
		 "well.\n"
		 "index makes the index of the log anew, when coffer check finds it altered.\n"
		 "A server may run on DIR meanwhile, but for archive, which serve --audit-keep does itself, and index.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "ACTION",
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
	if (!good) {
		fprintf(stderr, "coffer: %s is no checkpoint, or not as it was signed\n", path);
		return 2;
	}
	if (!identities_vouch(vault, checkpoint.public_key, checkpoint.sequence) ||
	    memcmp(checkpoint.store_id, vault->store_id, sizeof(checkpoint.store_id)) != 0) {
		printf("checkpoint: it is of another store, or by none of the keys that this one had then\n");
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

/* ---- the command --------------------------------------------------------------------------------------------------
 */

static const char *const ACTIONS[] = {"verify", "checkpoint", "export", "reasons", "archive", "index"};
enum { ACTION_VERIFY, ACTION_CHECKPOINT, ACTION_EXPORT, ACTION_REASONS, ACTION_ARCHIVE, ACTION_INDEX, ACTION_COUNT };
_Static_assert(sizeof(ACTIONS) / sizeof(ACTIONS[0]) == ACTION_COUNT, "each action has one name");

static int act(unsigned action, const struct auditing *auditing, const char *const values[static OPTION_COUNT],
	       uint64_t after)
{
	switch (action) {
	case ACTION_VERIFY:
		return verify(auditing, values[OPTION_CHECKPOINT]);
	case ACTION_CHECKPOINT:
		return print_checkpoint(auditing);
	case ACTION_EXPORT:
		return audit_export(auditing, after, values[OPTION_FOLLOW] != NULL);
	default:
		return audit_reasons(auditing, after, values[OPTION_PASSPHRASE_FILE], values[OPTION_CREDENTIAL_FILE]);
	}
}

int command_audit(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct auditing auditing = {.home = NULL};
	uint64_t after = 0;
	unsigned action = 0;
	int status = 2;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	while (action < ACTION_COUNT && (!values[OPTION_COUNT] || strcmp(values[OPTION_COUNT], ACTIONS[action]) != 0))
		action++;
	if (action == ACTION_COUNT ||
	    (values[OPTION_AFTER] && !arguments_long(values[OPTION_AFTER], INT64_MAX - 1, &after))) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	if (action == ACTION_ARCHIVE)
		return audit_offline_archive(arguments_data(values[OPTION_DATA]), values[OPTION_BEFORE]);
	if (action == ACTION_INDEX)
		return audit_offline_index(arguments_data(values[OPTION_DATA]));
	if (begin(&auditing, arguments_data(values[OPTION_DATA])))
		status = act(action, &auditing, values, after);
	end(&auditing);
	return status;
}
