/* Every kind of damage, planted in a store and named as what it is. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/core/check.h"
#include "server/core/epochs.h"
#include "server/core/inflight.h"
#include "server/core/keyring.h"
#include "server/core/record_meta.h"
#include "server/core/rowmac.h"
#include "tests/unit/support/records.h"

/* Two versions; three chunks; deleted; one chunk, and made with an Idempotency-Key. */
enum { TWICE, LONG, DELETED, KEYED, RECORDS };
enum { LONG_SIZE = 2 * RECORD_CHUNK_SIZE + 1000 };

static struct fixture f;
static struct inflight *inflight;
static struct store_view *view;
static sqlite3 *db;
static uint8_t ids[RECORDS][16];
static uint8_t content[LONG_SIZE];

static const char *const TABLES[] = {"version", "kek", "epoch", "account", "token", "idempotency", "blob", "chunk"};
enum { TABLE_COUNT = sizeof(TABLES) / sizeof(TABLES[0]) };

/* ---- the store and its editor ----------------------------------------------------------------------------------- */

static void exec(const char *text)
{
	char *error = NULL;

	cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &error), SQLITE_OK, "%s: %s", text, error);
}

/* Runs SQL in which {0} is the first record's id, and so on. */
static void edit(const char *text)
{
	char out[4096];
	size_t used = 0;

	for (; *text; text++) {
		cr_assert_lt(used, sizeof(out) - 64);
		if (text[0] == '{' && text[2] == '}') {
			memcpy(out + used, "x'", 2);
			encode_hex(ids[text[1] - '0'], 16, out + used + 2);
			out[used + 34] = '\'';
			used += 35;
			text += 2;
		} else {
			out[used++] = *text;
		}
	}
	out[used] = '\0';
	exec(out);
}

static void for_each_table(const char *format)
{
	char text[200];

	for (size_t i = 0; i < TABLE_COUNT; i++) {
		char *name = sqlite3_mprintf("%s", TABLES[i]);

		sqlite3_snprintf(sizeof(text), text, format, name, name);
		exec(text);
		sqlite3_free(name);
	}
}

static void save(void)
{
	exec("ATTACH ':memory:' AS saved");
	for_each_table("CREATE TABLE saved.%s AS SELECT * FROM main.%s");
}

static void restore(void)
{
	exec("BEGIN IMMEDIATE");
	for_each_table("DELETE FROM main.%s");
	for_each_table("INSERT INTO main.%s SELECT * FROM saved.%s");
	exec("COMMIT");
}

struct kek_job {
	struct store_job job; /* first */
	struct store_kek row;
};

static enum store_status kek_apply(struct store_job *job, struct store_txn *txn)
{
	return store_kek_insert(txn, &((struct kek_job *)job)->row);
}

static void insert_kek(void)
{
	struct kek_job kek = {.job = {.apply = kek_apply}, .row = {.revision = 1, .state = 1, .created_ms = 1}};

	memcpy(kek.row.kek_id, f.vault.kek_id, sizeof(kek.row.kek_id));
	kek.row.spki.data = rsakey_public_spki(f.vault.kek_public, &kek.row.spki.size);
	cr_assert(rowmac_seal_kek(&f.vault, &kek.row));
	cr_assert_eq(store_run(f.vault.store, &kek.job), STORE_OK);
}

static void write_record(unsigned which, bool again, const char *key, size_t size)
{
	struct record_info info;

	cr_assert_eq(records_write(&f, inflight, again ? ids[which] : NULL, again, key, content, size, &info), CORE_OK);
	memcpy(ids[which], info.record_id, sizeof(ids[which]));
}

static void setup(void)
{
	fixture_open(&f);
	inflight = inflight_new();
	insert_kek();
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
	cr_assert_eq(epochs_renew(&f.vault, view, INT64_MAX, 1), CORE_OK);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
	write_record(TWICE, false, NULL, 10);
	write_record(TWICE, true, NULL, 20);
	write_record(LONG, false, NULL, LONG_SIZE);
	write_record(DELETED, false, NULL, 30);
	cr_assert_eq(records_delete(&f, ids[DELETED]), CORE_OK);
	write_record(KEYED, false, "a key", 40);
	cr_assert_eq(sqlite3_open(f.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	exec("PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF");
	save();
}

static void teardown(void)
{
	sqlite3_close(db);
	store_view_free(view);
	inflight_free(inflight);
	fixture_close(&f);
}

TestSuite(check, .init = setup, .fini = teardown, .timeout = 150);

/* ---- findings as text: a line each, sorted ------------------------------------------------------------------------
 */

struct findings {
	char lines[32][100];
	size_t count;
	struct check_totals totals;
	bool whole;
	enum core_status status;

	bool (*stop)(void);
};

#define NAME(name, text) [CHECK_##name] = #name,
static const char *const NAMES[] = {CHECK_FAILURES(NAME)};

static const char *const SUBJECTS[] = {
	[CHECK_RECORD] = "record",   [CHECK_VERSION_ROW] = "row",   [CHECK_ANSWER_OF] = "answer",
	[CHECK_KEK_ROW] = "kek",     [CHECK_EPOCH_ROW] = "epoch",   [CHECK_IDENTITY] = "identity",
	[CHECK_ACCOUNT] = "account", [CHECK_DIRECTORY_KEY] = "key", [CHECK_INVITE] = "invite",
	[CHECK_MESSAGE] = "message", [CHECK_GRANT] = "grant",	    [CHECK_TOKEN] = "token",
	[CHECK_BLOB] = "blob",	     [CHECK_FILE] = "file",
};

static void put(char *line, size_t size, const char *format, ...)
{
	const size_t used = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, size - used, format, args);
	va_end(args);
}

static void on_fault(void *arg, const struct check_fault *fault)
{
	struct findings *found = arg;
	char *line = found->lines[found->count++];
	const size_t size = sizeof(found->lines[0]);

	cr_assert_lt(found->count, 32);
	*line = '\0';
	put(line, size, "%s", SUBJECTS[fault->subject]);
	for (unsigned i = 0; i < RECORDS; i++)
		if (memcmp(ids[i], fault->id, sizeof(ids[i])) == 0)
			put(line, size, " %u", i);
	if ((fault->subject == CHECK_RECORD || fault->subject == CHECK_ANSWER_OF) && fault->version > 0)
		put(line, size, " v%u", (unsigned)fault->version);
	if (fault->version_last > fault->version)
		put(line, size, "-%u", (unsigned)fault->version_last);
	put(line, size, " %s", NAMES[fault->failure]);
	if (strncmp(NAMES[fault->failure], "CHUNK_", 6) == 0 && fault->failure != CHECK_CHUNK_ORPHAN)
		put(line, size, " %u-%u", (unsigned)fault->chunk, (unsigned)fault->chunk_last);
}

static bool on_stop(void *arg)
{
	struct findings *found = arg;

	return found->stop && found->stop();
}

static int by_text(const void *one, const void *other)
{
	return strcmp(one, other);
}

static struct findings run_check(unsigned threads, bool (*stop)(void))
{
	struct findings found = {.stop = stop};
	const struct check_options options = {
		.vault = &f.vault, .threads = threads, .stop = on_stop, .fault = on_fault, .arg = &found};

	found.status = check_run(&options, &found.totals, &found.whole);
	qsort(found.lines, found.count, sizeof(found.lines[0]), by_text);
	return found;
}

static void assert_found(const char *label, const struct findings *found, const char *expected)
{
	char text[3300] = "";

	cr_assert_eq(found->status, CORE_OK, "%s", label);
	cr_expect(found->whole, "%s", label);
	for (size_t i = 0; i < found->count; i++)
		put(text, sizeof(text), "%s%s", i ? "; " : "", found->lines[i]);
	cr_expect_str_eq(text, expected, "%s: found \"%s\", not \"%s\"", label, text, expected);
	cr_expect_eq(found->totals.faults, found->count);
}

/* ---- a store that is whole -------------------------------------------------------------------------------------- */

Test(check, a_whole_store_has_no_fault_and_all_of_it_is_counted)
{
	for (unsigned threads = 0; threads <= 3; threads++) {
		const struct findings found = run_check(threads, NULL);

		assert_found("whole", &found, "");
		cr_expect_eq(found.totals.records, 4);
		cr_expect_eq(found.totals.versions, 5);
		cr_expect_eq(found.totals.bytes, 10 + 20 + LONG_SIZE + 40);
	}
}

Test(check, a_store_without_records_is_whole)
{
	for_each_table("DELETE FROM %s WHERE '%s' IN ('version', 'idempotency', 'blob', 'chunk')");

	const struct findings found = run_check(2, NULL);
	assert_found("empty", &found, "");
	cr_expect_eq(found.totals.records, 0);
}

/* ---- planted damage --------------------------------------------------------------------------------------------- */

/* Rows written by somebody who has the row key: what is below the MACs is seen too. */
static void write_version(struct store_version *row)
{
	sqlite3_stmt *statement;

	cr_assert(rowmac_seal_version(&f.vault, row));
	cr_assert_eq(sqlite3_prepare_v2(
			     db,
			     "UPDATE version SET state = ?, suite = ?, owner = ?, size = ?, commitment = ?, meta = ?,"
			     " mac = ? WHERE record_id = ? AND version = ?",
			     -1, &statement, NULL),
		     SQLITE_OK);
	sqlite3_bind_int(statement, 1, row->state);
	sqlite3_bind_int(statement, 2, row->suite);
	sqlite3_bind_blob(statement, 3, row->owner, sizeof(row->owner), NULL);
	sqlite3_bind_int64(statement, 4, (sqlite3_int64)row->size);
	sqlite3_bind_blob(statement, 5, row->commitment, sizeof(row->commitment), NULL);
	sqlite3_bind_blob(statement, 6, row->meta.data, (int)row->meta.size, NULL);
	sqlite3_bind_blob(statement, 7, row->mac, sizeof(row->mac), NULL);
	sqlite3_bind_blob(statement, 8, row->record_id, sizeof(row->record_id), NULL);
	sqlite3_bind_int64(statement, 9, (sqlite3_int64)row->version);
	cr_assert_eq(sqlite3_step(statement), SQLITE_DONE);
	cr_assert_eq(sqlite3_changes(db), 1);
	sqlite3_finalize(statement);
}

static struct store_version *read_version(unsigned which, uint64_t version)
{
	struct store_version *row;

	cr_assert_eq(store_version_get(view, ids[which], version, &row), STORE_OK);
	return row;
}

static void change_commitment(void)
{
	struct store_version *row = read_version(KEYED, 1);

	row->commitment[31] ^= 1;
	write_version(row);
	free(row);
}

static void change_size(void)
{
	struct store_version *row = read_version(KEYED, 1);

	row->size++;
	write_version(row);
	free(row);
}

static void change_suite(void)
{
	struct store_version *row = read_version(KEYED, 1);

	row->suite = 2;
	write_version(row);
	free(row);
}

static void change_owner(void)
{
	struct store_version *row = read_version(KEYED, 1);

	row->owner[0] ^= 1;
	write_version(row);
	free(row);
}

static void revive_first_version(void)
{
	struct store_version *row = read_version(TWICE, 1);

	row->state = STORE_VERSION_CURRENT;
	write_version(row);
	free(row);
}

static void change_meta_tag(void)
{
	struct store_version *row = read_version(KEYED, 1);
	uint8_t meta[sizeof(struct record_info)];

	memcpy(meta, row->meta.data, row->meta.size);
	meta[3] ^= 1;
	row->meta.data = meta;
	write_version(row);
	free(row);
}

/* Metadata under the version's own key, altered by `change`. */
static void reseal_meta(void (*change)(uint8_t *bytes, size_t size))
{
	struct store_version *row = read_version(KEYED, 1);
	struct record_context context = {.suite = RECORD_SUITE_1, .version = 1};
	uint8_t bytes[RECORD_META_MAX], sealed[RECORD_META_MAX + RECORD_TAG_SIZE];
	const size_t size = row->meta.size - RECORD_TAG_SIZE;
	struct record_cipher *cipher;
	struct dek dek;

	memcpy(context.store_id, f.vault.store_id, sizeof(context.store_id));
	memcpy(context.record_id, ids[KEYED], sizeof(context.record_id));
	cr_assert_eq(keyring_dek_unwrap(f.vault.ring, &context, row->wrap.rsa.data, row->wrap.rsa.size, &dek), CORE_OK);
	cr_assert_eq(record_cipher_new(&dek, &context, &cipher), CRYPTO_OK);
	cr_assert_eq(record_meta_open(cipher, row->meta_nonce, row->meta.data, row->meta.size, bytes), CRYPTO_OK);
	change(bytes, size);
	cr_assert_eq(record_meta_seal(cipher, row->meta_nonce, bytes, size, sealed), CRYPTO_OK);
	row->meta.data = sealed;
	write_version(row);
	record_cipher_free(cipher);
	free(row);
}

/* The metadata ends with the SHA-256 and the size, and begins with the number of its format. */
static void other_digest(uint8_t *bytes, size_t size)
{
	bytes[size - 8 - DIGEST_SIZE] ^= 1;
}

static void other_format(uint8_t *bytes, size_t size)
{
	(void)size;
	bytes[0]++;
}

static void change_digest(void)
{
	reseal_meta(other_digest);
}

static void change_meta_format(void)
{
	reseal_meta(other_format);
}

static void change_wrap(void)
{
	struct store_version *row = read_version(KEYED, 1);
	uint8_t bytes[RSAKEY_MAX_SIZE];
	sqlite3_stmt *statement;

	memcpy(bytes, row->wrap.rsa.data, row->wrap.rsa.size);
	bytes[100] ^= 1;
	row->wrap.rsa.data = bytes;
	cr_assert(rowmac_seal_wrap(&f.vault, row));
	cr_assert_eq(sqlite3_prepare_v2(db, "UPDATE version SET wrap = ?, wrap_mac = ? WHERE record_id = ?", -1,
					&statement, NULL),
		     SQLITE_OK);
	sqlite3_bind_blob(statement, 1, bytes, (int)row->wrap.rsa.size, NULL);
	sqlite3_bind_blob(statement, 2, row->wrap.mac, sizeof(row->wrap.mac), NULL);
	sqlite3_bind_blob(statement, 3, ids[KEYED], 16, NULL);
	cr_assert_eq(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
	free(row);
}

#define LONG_BLOB "(SELECT blob_id FROM version WHERE record_id = {1})"

static const struct {
	const char *label;
	const char *sql; /* or */
	void (*plant)(void);
	const char *expected;
} DAMAGE[] = {
	{.label = "a column of a version",
	 .sql = "UPDATE version SET created_ms = created_ms + 1 WHERE record_id = {3}",
	 .expected = "record 3 v1 ROW_MAC"},
	{.label = "a superseded version",
	 .sql = "UPDATE version SET size = size + 1 WHERE record_id = {0} AND version = 1",
	 .expected = "record 0 v1 ROW_MAC"},
	{.label = "a column of another type",
	 .sql = "UPDATE version SET state = 'x' WHERE record_id = {0} AND version = 1",
	 .expected = "record 0 v1 ROW_UNREADABLE"},
	{.label = "the latest of another type",
	 .sql = "UPDATE version SET state = 'x' WHERE record_id = {0} AND version = 2",
	 .expected = "record 0 v2 ROW_UNREADABLE"},
	{.label = "the latest removed",
	 .sql = "DELETE FROM version WHERE record_id = {0} AND version = 2",
	 .expected = "record 0 v2 MISSING_VERSION"},
	{.label = "the first removed",
	 .sql = "DELETE FROM version WHERE record_id = {0} AND version = 1",
	 .expected = "record 0 v1 MISSING_VERSION"},
	{.label = "a number far off",
	 .sql = "UPDATE version SET version = 900 WHERE record_id = {0} AND version = 2",
	 .expected = "record 0 v2-899 MISSING_VERSION; record 0 v900 ROW_MAC"},
	{.label = "two are current", .plant = revive_first_version, .expected = "record 0 v1 STATE"},
	{.label = "no such owner", .plant = change_owner, .expected = "record 3 v1 NO_OWNER"},
	{.label = "a tombstone",
	 .sql = "UPDATE version SET state = 1 WHERE record_id = {2}",
	 .expected = "record 2 v1 MISSING_VERSION; record 2 v2 ROW_MAC"},
	{.label = "bytes in a tombstone",
	 .sql = "UPDATE version SET inline_chunk = x'00' WHERE record_id = {2}",
	 .expected = "record 2 v2 REMNANT"},
	{.label = "a version before a tombstone",
	 .sql = "UPDATE version SET record_id = {2} WHERE record_id = {3}; DELETE FROM idempotency",
	 .expected = "record 2 v1 REMNANT; record 2 v1 ROW_MAC"},
	{.label = "a wrap", .plant = change_wrap, .expected = "record 3 v1 UNWRAP"},
	{.label = "a wrap's column",
	 .sql = "UPDATE version SET wrap_revision = 2 WHERE record_id = {3}",
	 .expected = "record 3 v1 WRAP_MAC"},
	{.label = "a wrap's type",
	 .sql = "UPDATE version SET wrap_revision = 'x' WHERE record_id = {3}",
	 .expected = "record 3 v1 ROW_UNREADABLE"},
	{.label = "a wrap removed",
	 .sql = "UPDATE version SET wrap = x'' WHERE record_id = {0} AND version = 1",
	 .expected = "record 0 v1 WRAP_MISSING"},
	{.label = "a wrap of a deleted record",
	 .sql = "UPDATE version SET (kek_id, wrap_revision, wrap, wrap_mac) = (SELECT kek_id, wrap_revision, wrap, "
		"wrap_mac FROM version WHERE record_id = {3}) WHERE record_id = {2}",
	 .expected = "record 2 v2 REMNANT"},
	{.label = "the KEK's id in a tombstone",
	 .sql = "UPDATE version SET kek_id = (SELECT kek_id FROM kek) WHERE record_id = {2}",
	 .expected = "record 2 v2 REMNANT"},
	{.label = "a wrap of a deleted record that cannot be read",
	 .sql = "UPDATE version SET wrap_revision = 'x', wrap = (SELECT wrap FROM version WHERE record_id = {3}) "
		"WHERE record_id = {2}",
	 .expected = "record 2 v2 ROW_UNREADABLE; record 2 v2 WRAP_KEK"},
	{.label = "an epoch wrap of a deleted record",
	 .sql = "UPDATE version SET epoch_wrap = (SELECT epoch_wrap FROM version WHERE record_id = {3}) "
		"WHERE record_id = {2}",
	 .expected = "record 2 v2 REMNANT"},
	{.label = "a wrap under another KEK",
	 .sql = "UPDATE version SET kek_id = zeroblob(32) WHERE record_id = {3}",
	 .expected = "record 3 v1 WRAP_KEK; record 3 v1 WRAP_MISSING"},
	{.label = "no epoch wraps: a cache that is empty",
	 .sql = "UPDATE version SET epoch_wrap = x''",
	 .expected = ""},
	{.label = "an epoch wrap of another record",
	 .sql = "UPDATE version SET epoch_wrap = (SELECT epoch_wrap FROM version WHERE record_id = {1}) "
		"WHERE record_id = {3}",
	 .expected = "record 3 v1 EPOCH_WRAP"},
	{.label = "an epoch wrap cut",
	 .sql = "UPDATE version SET epoch_wrap = x'00' WHERE record_id = {3}",
	 .expected = "record 3 v1 EPOCH_WRAP"},
	{.label = "an epoch wrap of no epoch",
	 .sql = "UPDATE version SET epoch_wrap = zeroblob(80) WHERE record_id = {3}",
	 .expected = "record 3 v1 EPOCH"},
	{.label = "an epoch", .sql = "UPDATE epoch SET reserved = 0", .expected = "epoch ROW_MAC"},
	{.label = "the commitment", .plant = change_commitment, .expected = "record 3 v1 COMMITMENT"},
	{.label = "the metadata's tag", .plant = change_meta_tag, .expected = "record 3 v1 META_TAG"},
	{.label = "the metadata's format", .plant = change_meta_format, .expected = "record 3 v1 META"},
	{.label = "the size", .plant = change_size, .expected = "record 3 v1 SIZE"},
	/* The digest is part of what the remembered answer vouches for. */
	{.label = "the digest", .plant = change_digest, .expected = "answer 3 v1 ANSWER; record 3 v1 DIGEST"},
	{.label = "an inline chunk",
	 .sql = "UPDATE version SET inline_chunk = zeroblob(length(inline_chunk)) WHERE record_id = {3}",
	 .expected = "record 3 v1 CHUNK_TAG 0-0"},
	{.label = "an inline chunk cut",
	 .sql = "UPDATE version SET inline_chunk = x'00' WHERE record_id = {3}",
	 .expected = "record 3 v1 CHUNK_LENGTH 0-0"},
	{.label = "a chunk",
	 .sql = "UPDATE chunk SET data = zeroblob(length(data)) WHERE number = 1",
	 .expected = "record 1 v1 CHUNK_TAG 1-1"},
	{.label = "all chunks",
	 .sql = "UPDATE chunk SET data = zeroblob(length(data))",
	 .expected = "record 1 v1 CHUNK_TAG 0-2"},
	{.label = "chunks in different ways",
	 .sql = "UPDATE chunk SET data = zeroblob(length(data)) WHERE number = 0;"
		"UPDATE chunk SET data = x'00' WHERE number = 1; DELETE FROM chunk WHERE number = 2",
	 .expected = "record 1 v1 CHUNK_LENGTH 1-1; record 1 v1 CHUNK_MISSING 2-2; record 1 v1 CHUNK_TAG 0-0"},
	{.label = "a chunk too long to be one",
	 .sql = "UPDATE chunk SET data = zeroblob(70000) WHERE number = 0",
	 .expected = "record 1 v1 CHUNK_UNREADABLE 0-0"},
	{.label = "chunks swapped",
	 .sql = "UPDATE chunk SET number = 9 WHERE number = 0; UPDATE chunk SET number = 0 WHERE number = 1;"
		"UPDATE chunk SET number = 1 WHERE number = 9",
	 .expected = "record 1 v1 CHUNK_TAG 0-1"},
	{.label = "a chunk removed",
	 .sql = "DELETE FROM chunk WHERE number = 1",
	 .expected = "record 1 v1 CHUNK_MISSING 1-1"},
	{.label = "chunks added",
	 .sql = "INSERT INTO chunk (blob_id, number, data) SELECT blob_id, 3, data FROM chunk WHERE number = 2;"
		"INSERT INTO chunk (blob_id, number, data) SELECT blob_id, 4, data FROM chunk WHERE number = 2",
	 .expected = "record 1 v1 CHUNK_SURPLUS 3-4"},
	{.label = "a blob's row", .sql = "DELETE FROM blob", .expected = "blob CHUNK_ORPHAN; record 1 v1 BLOB_MISSING"},
	{.label = "a blob nobody names",
	 .sql = "INSERT INTO blob (blob_id, state) VALUES (99, 1)",
	 .expected = "blob CHUNK_ORPHAN"},
	{.label = "a blob not linked",
	 .sql = "UPDATE blob SET state = 0 WHERE blob_id = " LONG_BLOB,
	 .expected = "record 1 v1 BLOB_UNLINKED"},
	{.label = "a remembered answer's version",
	 .sql = "UPDATE idempotency SET version = 2",
	 .expected = "answer 3 v2 ANSWER"},
	{.label = "a remembered answer of no version",
	 .sql = "UPDATE idempotency SET version = 0",
	 .expected = "answer 3 ANSWER"},
	{.label = "a suite that does not exist", .plant = change_suite, .expected = "record 3 v1 UNWRAP"},
	{.label = "a remembered answer's time",
	 .sql = "UPDATE idempotency SET created_ms = created_ms + 1",
	 .expected = "answer 3 v1 ANSWER"},
	{.label = "a remembered answer's record",
	 .sql = "UPDATE idempotency SET record_id = {0}",
	 .expected = "answer 0 v1 ANSWER"},
	{.label = "a remembered answer of nobody",
	 .sql = "UPDATE idempotency SET record_id = zeroblob(16)",
	 .expected = "answer v1 ANSWER_ORPHAN"},
	{.label = "the KEK's row", .sql = "UPDATE kek SET created_ms = 2", .expected = "kek ROW_MAC"},
	{.label = "an account", .sql = "UPDATE account SET scopes = 1", .expected = "account ROW_MAC"},
	{.label = "an account's type", .sql = "UPDATE account SET scopes = 'x'", .expected = "account ROW_UNREADABLE"},
	{.label = "a token", .sql = "UPDATE token SET scopes = scopes + 1", .expected = "token ROW_MAC"},
	{.label = "the account removed",
	 .sql = "DELETE FROM account; DELETE FROM version WHERE record_id <> {3};"
		"DELETE FROM blob; DELETE FROM chunk",
	 .expected = "record 3 v1 NO_OWNER; token TOKEN_ORPHAN"},
	{.label = "an id that is none",
	 .sql = "UPDATE version SET record_id = x'00' WHERE record_id = {2}",
	 .expected = "row ROW_ID"},
	{.label = "an id as text",
	 .sql = "UPDATE version SET record_id = '0123456789abcdef' WHERE record_id = {2}",
	 .expected = "row ROW_ID"},
};

Test(check, every_damage_is_named_and_nothing_else_is)
{
	for (size_t i = 0; i < sizeof(DAMAGE) / sizeof(DAMAGE[0]); i++) {
		if (DAMAGE[i].plant)
			DAMAGE[i].plant();
		else
			edit(DAMAGE[i].sql);
		const struct findings found = run_check(2, NULL);
		assert_found(DAMAGE[i].label, &found, DAMAGE[i].expected);
		restore();
	}
	const struct findings found = run_check(2, NULL);
	assert_found("restored", &found, "");
}

/* The index no longer holds what its definition says: only SQLite itself can see that. */
Test(check, an_index_that_lacks_a_row_is_found)
{
	exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'state <> 1', 'state <> 0')"
	     " WHERE name = 'blob_unlinked'; PRAGMA writable_schema = RESET; CREATE TABLE noticed (x)");

	const struct findings found = run_check(2, NULL);
	cr_expect_gt(found.count, 0);
	cr_expect_str_eq(found.lines[0], "file DATABASE");
}

/* ---- beside a server -------------------------------------------------------------------------------------------- */

static _Atomic unsigned calls;
static unsigned act_at, damage_at;
static uint8_t victim[16];
static bool replaces;

/* The check asks this between any two of its steps: the record is taken away under its hands, its bytes too. */
static bool interfere(void)
{
	struct record_info info;

	const unsigned call = ++calls;

	if (call == damage_at)
		exec("UPDATE chunk SET data = zeroblob(length(data)) WHERE number = 1");
	if (call != act_at)
		return false;
	if (replaces)
		cr_assert_eq(records_write(&f, inflight, victim, 1, NULL, content, LONG_SIZE, &info), CORE_OK);
	else
		cr_assert_eq(records_delete(&f, victim), CORE_OK);
	exec("DELETE FROM chunk WHERE blob_id IN (SELECT blob_id FROM blob WHERE state = 2);"
	     "DELETE FROM blob WHERE state = 2");
	return false;
}

static struct findings check_one_record(void)
{
	struct record_info info;

	exec("DELETE FROM version; DELETE FROM idempotency; DELETE FROM blob; DELETE FROM chunk");
	cr_assert_eq(records_write(&f, inflight, NULL, 0, NULL, content, LONG_SIZE, &info), CORE_OK);
	memcpy(victim, info.record_id, sizeof(victim));
	calls = 0;
	return run_check(1, interfere);
}

static void assert_no_false_fault(void)
{
	damage_at = 0;
	for (act_at = 1;; act_at++) {
		const struct findings found = check_one_record();

		assert_found(replaces ? "replaced" : "deleted", &found, "");
		if (calls < act_at)
			break;
	}
	cr_assert_gt(act_at, 8, "a step for each chunk, and more");
}

Test(check, a_record_deleted_meanwhile_is_no_fault)
{
	replaces = false;
	assert_no_false_fault();
}

Test(check, a_record_replaced_meanwhile_is_no_fault)
{
	replaces = true;
	assert_no_false_fault();
}

/* Damaged, so that it is looked at twice, and deleted at any step of either look: it is whole, damaged, or gone. */
Test(check, a_damaged_record_deleted_meanwhile_has_no_other_fault_than_its_own)
{
	size_t twice = 0;

	replaces = false;
	for (damage_at = 1; damage_at < 12; damage_at++) {
		for (act_at = damage_at + 1;; act_at++) {
			const struct findings found = check_one_record();

			twice += found.count;
			if (found.count > 0)
				assert_found("deleted while looked at again", &found, "record v1 CHUNK_TAG 1-1");
			if (calls < act_at)
				break;
		}
	}
	cr_assert_gt(twice, 10, "the damage was seen often enough");
}

/* ---- ending early ----------------------------------------------------------------------------------------------- */

static bool stop_after_some(void)
{
	return ++calls > 6;
}

Test(check, a_check_that_is_stopped_says_that_it_is_not_whole)
{
	calls = 0;
	const struct findings found = run_check(1, stop_after_some);

	cr_assert_eq(found.status, CORE_OK);
	cr_assert_not(found.whole);
	cr_assert_eq(found.count, 0);
	cr_assert_lt(found.totals.records, 4);
}
