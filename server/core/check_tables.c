/* What is checked once: the file, the small tables, and rows that lack what they belong to. */
#include <stdio.h>
#include <string.h>

#include "server/core/check_internal.h"
#include "server/core/directory.h"
#include "server/core/rowmac.h"

static void report_key(struct check *check, enum check_failure failure, const struct store_directory_key *row)
{
	struct check_fault fault = {.subject = CHECK_DIRECTORY_KEY,
				    .failure = failure,
				    .version = row->sequence,
				    .version_last = row->sequence};

	memcpy(fault.id, row->account_id, sizeof(fault.id));
	check_report(check, &fault);
}

static void report(struct check *check, enum check_subject subject, enum check_failure failure, const uint8_t *id)
{
	struct check_fault fault = {.subject = subject, .failure = failure};

	if (id)
		memcpy(fault.id, id, sizeof(fault.id));
	check_report(check, &fault);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void report_file(struct check *check, const char *detail)
{
	check_report(check, &(struct check_fault){.subject = CHECK_FILE, .failure = CHECK_DATABASE, .detail = detail});
}

static void file_line(void *arg, const char *line)
{
	report_file(arg, line);
}

enum core_status check_file(struct check *check, struct store_view *view)
{
	const enum store_status status = store_integrity(view, file_line, check);

	if (status != STORE_OK && check_is_finding(status))
		report_file(check, store_status_text(status));
	return check_is_finding(status) ? CORE_OK : core_from_store(status);
}

/* ---- row MACs --------------------------------------------------------------------------------------------------- */

static bool visit_kek(void *arg, const struct store_kek *row)
{
	struct check *check = arg;

	if (!rowmac_check_kek(check->vault, row))
		report(check, CHECK_KEK_ROW, CHECK_ROW_MAC, row->kek_id);
	return true;
}

static bool visit_epoch(void *arg, const struct store_epoch *row)
{
	struct check *check = arg;

	if (!rowmac_check_epoch(check->vault, row))
		report(check, CHECK_EPOCH_ROW, CHECK_ROW_MAC, row->epoch_id);
	return true;
}

static bool visit_identity(void *arg, const struct store_identity *row)
{
	struct check *check = arg;

	if (!rowmac_check_identity(check->vault, row))
		report(check, CHECK_IDENTITY, CHECK_ROW_MAC, row->public_key);
	return true;
}

static bool visit_account(void *arg, const struct store_account *row)
{
	struct check *check = arg;

	if (!rowmac_check_account(check->vault, row))
		report(check, CHECK_ACCOUNT, CHECK_ROW_MAC, row->account_id);
	return true;
}

static bool visit_grant(void *arg, const struct store_grant *row)
{
	struct check *check = arg;

	if (!rowmac_check_grant(check->vault, row))
		report(check, CHECK_GRANT, CHECK_ROW_MAC, row->record_id);
	return true;
}

static bool visit_token(void *arg, const struct store_token *row)
{
	struct check *check = arg;

	if (!rowmac_check_token(check->vault, row))
		report(check, CHECK_TOKEN, CHECK_ROW_MAC, row->token_id);
	return true;
}

struct directory_walk {
	struct check *check;
	/* Of the row before. */
	uint8_t hash[DIGEST_SIZE];
	char name[DIRECTORY_NAME_MAX + 1];
	uint64_t sequence;
};

/* Each name's changes, from the first on, without gaps, each holding the hash of the one before. */
static bool visit_directory_key(void *arg, const struct store_directory_key *row)
{
	static const uint8_t none[DIGEST_SIZE];
	struct directory_walk *walk = arg;
	uint8_t hash[DIGEST_SIZE];
	const bool same = row->name.size > 0 && row->name.size == strlen(walk->name) &&
			  memcmp(row->name.data, walk->name, row->name.size) == 0;
	const uint64_t sequence = same ? walk->sequence + 1 : 1;

	if (!rowmac_check_directory_key(walk->check->vault, row))
		report_key(walk->check, CHECK_ROW_MAC, row);
	else if (row->sequence != sequence || memcmp(row->previous, same ? walk->hash : none, DIGEST_SIZE) != 0 ||
		 !directory_hash(row, hash) || memcmp(hash, row->hash, DIGEST_SIZE) != 0)
		report_key(walk->check, CHECK_KEY_CHAIN, row);
	snprintf(walk->name, sizeof(walk->name), "%.*s", (int)row->name.size, (const char *)row->name.data);
	walk->sequence = row->sequence;
	memcpy(walk->hash, row->hash, DIGEST_SIZE);
	return !check_stopped(walk->check);
}

static bool visit_invite(void *arg, const struct store_invite *row)
{
	struct check *check = arg;

	if (!rowmac_check_invite(check->vault, row))
		report(check, CHECK_INVITE, CHECK_ROW_MAC, row->invite_id);
	return true;
}

/* ---- orphans ---------------------------------------------------------------------------------------------------- */

static const struct {
	enum check_subject subject;
	enum check_failure failure;
} ORPHANS[] = {
	[STORE_ORPHAN_WRAP_KEK] = {CHECK_RECORD, CHECK_WRAP_KEK},
	[STORE_ORPHAN_VERSION] = {CHECK_VERSION_ROW, CHECK_ROW_ID},
	[STORE_ORPHAN_OWNER] = {CHECK_RECORD, CHECK_NO_OWNER},
	[STORE_ORPHAN_TOKEN] = {CHECK_TOKEN, CHECK_TOKEN_ORPHAN},
	[STORE_ORPHAN_GRANT] = {CHECK_GRANT, CHECK_NO_ACCOUNT},
	[STORE_ORPHAN_KEY] = {CHECK_DIRECTORY_KEY, CHECK_NO_ACCOUNT},
	[STORE_ORPHAN_ANSWER] = {CHECK_ANSWER_OF, CHECK_ANSWER_ORPHAN},
	[STORE_ORPHAN_BLOB] = {CHECK_BLOB, CHECK_CHUNK_ORPHAN},
	[STORE_ORPHAN_CHUNK] = {CHECK_BLOB, CHECK_CHUNK_ORPHAN},
};
_Static_assert(sizeof(ORPHANS) / sizeof(ORPHANS[0]) == STORE_ORPHAN_KINDS, "each kind has its words");

static void visit_orphan(void *arg, enum store_orphan kind, const uint8_t id[static 16], uint64_t number)
{
	struct check_fault fault = {.subject = ORPHANS[kind].subject,
				    .failure = ORPHANS[kind].failure,
				    .version = number,
				    .version_last = number};

	memcpy(fault.id, id, sizeof(fault.id));
	check_report(arg, &fault);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

/* A table that cannot be read to its end is a fault, and the others are read all the same. */
static enum core_status table_read(struct check *check, enum check_subject subject, enum store_status status)
{
	if (status == STORE_OK || !check_is_finding(status))
		return core_from_store(status);
	report(check, subject, CHECK_ROW_UNREADABLE, NULL);
	return CORE_OK;
}

enum core_status check_tables(struct check *check, struct store_view *view)
{
	struct directory_walk directory = {.check = check};
	enum core_status status = table_read(check, CHECK_KEK_ROW, store_kek_list(view, visit_kek, check));

	if (status == CORE_OK)
		status = table_read(check, CHECK_EPOCH_ROW, store_epoch_list(view, visit_epoch, check));
	if (status == CORE_OK)
		status = table_read(check, CHECK_IDENTITY, store_identity_list(view, visit_identity, check));
	if (status == CORE_OK)
		status = table_read(check, CHECK_ACCOUNT,
				    store_account_list(view, NULL, INT64_MAX, visit_account, check));
	if (status == CORE_OK)
		status = table_read(check, CHECK_TOKEN, store_token_list(view, NULL, INT64_MAX, visit_token, check));
	if (status == CORE_OK)
		status = table_read(check, CHECK_DIRECTORY_KEY,
				    store_directory_walk(view, visit_directory_key, &directory));
	if (status == CORE_OK)
		status = table_read(check, CHECK_INVITE, store_invite_list(view, NULL, INT64_MAX, visit_invite, check));
	if (status == CORE_OK)
		status = table_read(check, CHECK_GRANT, store_grant_walk(view, visit_grant, check));
	if (status == CORE_OK)
		status = table_read(check, CHECK_MESSAGE, check_messages(check, view));
	for (enum store_orphan kind = 0; kind < STORE_ORPHAN_KINDS && status == CORE_OK; kind++)
		if (!check_stopped(check))
			status = table_read(check, ORPHANS[kind].subject,
					    store_orphan_list(view, kind, visit_orphan, check));
	return status;
}
