/* coffer audit reasons. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/audit.h"
#include "server/cli/harden.h"
#include "server/cli/unlock.h"
#include "server/core/audit_read.h"
#include "server/core/audit_text.h"
#include "server/core/reason.h"

struct broken {
	uint64_t sequence;
	struct audit_event event;
	uint8_t hash[DIGEST_SIZE];
};

struct breaking {
	size_t count;
	struct broken found[AUDIT_PAGE];
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
		status = audit_read(auditing->view, home_vault(auditing->home), &after, AUDIT_PAGE, note_broken,
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

int audit_reasons(const struct auditing *auditing, uint64_t after, const char *passphrase_file,
		  const char *credential_file)
{
	char error[4400];

	harden_process();
	if (unlock_home(auditing->home, passphrase_file, credential_file, error, sizeof(error)))
		return reasons(auditing, after);
	fprintf(stderr, "coffer: %s\n", error);
	return 2;
}
