#include "db/schema.h"

#include <stdio.h>

/* MIGRATIONS[n] takes the schema from version n to n + 1. Never edited once released: a change is a new entry. */
static const char *const MIGRATIONS[] = {
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE version ("
	" version_id INTEGER PRIMARY KEY,"
	" record_id BLOB NOT NULL CHECK (length(record_id) = 16),"
	" version INTEGER NOT NULL CHECK (version > 0),"
	" revision INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" suite INTEGER NOT NULL,"
	" owner BLOB NOT NULL CHECK (length(owner) = 16),"
	" size INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL,"
	" changed_ms INTEGER NOT NULL,"
	" content_nonce BLOB NOT NULL CHECK (length(content_nonce) = 8),"
	" meta_nonce BLOB NOT NULL CHECK (length(meta_nonce) = 16),"
	" commitment BLOB NOT NULL CHECK (length(commitment) = 32),"
	" blob_id INTEGER NOT NULL,"
	" meta BLOB NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" inline_chunk BLOB NOT NULL);"
	"CREATE UNIQUE INDEX version_by_record ON version (record_id, version);"
	"CREATE INDEX version_by_owner ON version (owner, record_id) WHERE state = 1;"
	"CREATE INDEX version_tombstones ON version (changed_ms) WHERE state = 3;"
	"CREATE TABLE wrap ("
	" record_id BLOB NOT NULL CHECK (length(record_id) = 16),"
	" version INTEGER NOT NULL,"
	" kek_id BLOB NOT NULL CHECK (length(kek_id) = 32),"
	" revision INTEGER NOT NULL,"
	" wrap BLOB NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" PRIMARY KEY (record_id, version, kek_id)) WITHOUT ROWID;"
	"CREATE TABLE kek ("
	" kek_id BLOB NOT NULL PRIMARY KEY CHECK (length(kek_id) = 32),"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" spki BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"CREATE TABLE account ("
	" account_id BLOB NOT NULL PRIMARY KEY CHECK (length(account_id) = 16),"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL, scopes INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" name TEXT NOT NULL UNIQUE, mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"CREATE TABLE token ("
	" token_id BLOB NOT NULL PRIMARY KEY CHECK (length(token_id) = 16),"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL,"
	" hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
	" account_id BLOB NOT NULL REFERENCES account (account_id),"
	" scopes INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	" description TEXT NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"CREATE TABLE idempotency ("
	" key_mac BLOB NOT NULL PRIMARY KEY CHECK (length(key_mac) = 32),"
	" body_mac BLOB NOT NULL CHECK (length(body_mac) = 32),"
	" record_id BLOB NOT NULL CHECK (length(record_id) = 16),"
	" version INTEGER NOT NULL, created_ms INTEGER NOT NULL);"
	"CREATE INDEX idempotency_by_age ON idempotency (created_ms);"
	"CREATE TABLE audit_event ("
	" sequence INTEGER PRIMARY KEY,"
	" event BLOB NOT NULL,"
	" hash BLOB NOT NULL CHECK (length(hash) = 32),"
	" mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"CREATE TABLE blob (blob_id INTEGER PRIMARY KEY, state INTEGER NOT NULL);"
	"CREATE INDEX blob_unlinked ON blob (state) WHERE state <> 1;"
	"CREATE TABLE chunk ("
	" chunk_id INTEGER PRIMARY KEY,"
	" blob_id INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL);"
	"CREATE UNIQUE INDEX chunk_by_blob ON chunk (blob_id, number);",

	/* Epoch keys. Their wrap of a DEK is a cache: empty when there is none. */
	"ALTER TABLE wrap ADD COLUMN epoch_wrap BLOB NOT NULL DEFAULT x'';"
	"CREATE TABLE epoch ("
	" epoch_id BLOB NOT NULL PRIMARY KEY CHECK (length(epoch_id) = 16),"
	" kek_id BLOB NOT NULL CHECK (length(kek_id) = 32),"
	" revision INTEGER NOT NULL, created_ms INTEGER NOT NULL, reserved INTEGER NOT NULL,"
	" wrap BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"CREATE INDEX epoch_by_kek ON epoch (kek_id, created_ms);",

	/* So that the sweeper can ask whether a version still names what it is about to remove. */
	"CREATE INDEX version_by_blob ON version (blob_id) WHERE blob_id > 0;",

	/* Partners: each change of a name's key is a row that stays, the one with the highest sequence counts; invites;
	 * tokens that end when they are not used. */
	"CREATE TABLE directory_key ("
	" name TEXT NOT NULL, sequence INTEGER NOT NULL,"
	" account_id BLOB NOT NULL CHECK (length(account_id) = 16),"
	" change INTEGER NOT NULL, authority INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" spki BLOB NOT NULL, signature BLOB NOT NULL, old_signature BLOB NOT NULL, origin TEXT NOT NULL,"
	" previous BLOB NOT NULL CHECK (length(previous) = 32),"
	" hash BLOB NOT NULL CHECK (length(hash) = 32),"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" PRIMARY KEY (name, sequence)) WITHOUT ROWID;"
	"CREATE INDEX directory_key_by_account ON directory_key (account_id, sequence);"
	"CREATE TABLE invite ("
	" invite_id BLOB NOT NULL PRIMARY KEY CHECK (length(invite_id) = 16),"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL,"
	" hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
	" name TEXT NOT NULL, scopes INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	" made_by BLOB NOT NULL CHECK (length(made_by) = 16),"
	" used_by BLOB NOT NULL CHECK (length(used_by) = 16),"
	" mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"ALTER TABLE token ADD COLUMN idle_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE token ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX token_sessions ON token (account_id) WHERE idle_ms > 0 AND state = 1;"
	"CREATE INDEX token_by_end ON token (expires_ms) WHERE idle_ms > 0;",

	/* Mailboxes. `body` is last: listing does not read it. The counts are kept so that quotas need no scan. */
	"CREATE TABLE message ("
	" message_row INTEGER PRIMARY KEY,"
	" message_id BLOB NOT NULL CHECK (length(message_id) = 16),"
	" mailbox BLOB NOT NULL CHECK (length(mailbox) = 16),"
	" sender BLOB NOT NULL CHECK (length(sender) = 16),"
	" sender_name TEXT NOT NULL,"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" digest BLOB NOT NULL CHECK (length(digest) = 32),"
	" recipient_key BLOB NOT NULL CHECK (length(recipient_key) = 32),"
	" sender_key BLOB NOT NULL, signature BLOB NOT NULL, session BLOB NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" body BLOB NOT NULL);"
	"CREATE UNIQUE INDEX message_by_id ON message (message_id);"
	"CREATE INDEX message_by_mailbox ON message (mailbox, message_id) WHERE state = 1;"
	"CREATE INDEX message_by_expiry ON message (expires_ms) WHERE state = 1;"
	"CREATE INDEX message_removed ON message (changed_ms) WHERE state > 1;"
	"CREATE TABLE mailbox_count ("
	" mailbox BLOB NOT NULL CHECK (length(mailbox) = 16),"
	" sender BLOB NOT NULL CHECK (length(sender) = 16),"
	" messages INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" PRIMARY KEY (mailbox, sender)) WITHOUT ROWID;",

	/* So that the tokens of one account are listed without a look at all others. */
	"CREATE INDEX token_by_account ON token (account_id, token_id);",

	/* What a record's owner lets others do with it. */
	"CREATE TABLE record_grant ("
	" record_id BLOB NOT NULL CHECK (length(record_id) = 16),"
	" account_id BLOB NOT NULL CHECK (length(account_id) = 16),"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL, rights INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" PRIMARY KEY (record_id, account_id)) WITHOUT ROWID;",

	/* What an audit event has the digest of. */
	"CREATE TABLE audit_note (sequence INTEGER PRIMARY KEY, sealed BLOB NOT NULL);",

	/* Parts of the audit log that were moved to files. */
	"CREATE TABLE audit_segment ("
	" first INTEGER NOT NULL, last INTEGER PRIMARY KEY,"
	" previous BLOB NOT NULL CHECK (length(previous) = 32),"
	" hash BLOB NOT NULL CHECK (length(hash) = 32),"
	" created_ms INTEGER NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32));",

	/* Which events are about an object, or by an account: sorted runs, in pages. */
	"CREATE TABLE audit_run ("
	" first INTEGER NOT NULL, last INTEGER PRIMARY KEY, entries INTEGER NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32));"
	"CREATE TABLE audit_run_page ("
	" page_id INTEGER PRIMARY KEY,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" low BLOB NOT NULL CHECK (length(low) = 16),"
	" high BLOB NOT NULL CHECK (length(high) = 16),"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" entries BLOB NOT NULL);"
	"CREATE UNIQUE INDEX audit_run_page_by_run ON audit_run_page (last, first, low);",

	/* The public halves of the keys that sign receipts and checkpoints, also of those that no longer do. */
	"CREATE TABLE identity_key ("
	" public_key BLOB NOT NULL PRIMARY KEY CHECK (length(public_key) = 32),"
	" revision INTEGER NOT NULL, state INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, retired_ms INTEGER NOT NULL, last_event INTEGER NOT NULL,"
	" previous BLOB NOT NULL CHECK (length(previous) = 32),"
	" endorsement BLOB NOT NULL CHECK (length(endorsement) = 64),"
	" mac BLOB NOT NULL CHECK (length(mac) = 32));",

	/* A version's wraps in its own row: one look-up for whoever reads it. They stand before the content, which may
	 * go on in pages of its own. Everything is copied, so nothing here may gather in memory: indexes are there
	 * first, since sorting for one does, and tables are emptied first, since dropping a full one does. */
	"CREATE TABLE version_with_wrap ("
	" version_id INTEGER PRIMARY KEY,"
	" record_id BLOB NOT NULL CHECK (length(record_id) = 16),"
	" version INTEGER NOT NULL CHECK (version > 0),"
	" revision INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" suite INTEGER NOT NULL,"
	" owner BLOB NOT NULL CHECK (length(owner) = 16),"
	" size INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL,"
	" changed_ms INTEGER NOT NULL,"
	" content_nonce BLOB NOT NULL CHECK (length(content_nonce) = 8),"
	" meta_nonce BLOB NOT NULL CHECK (length(meta_nonce) = 16),"
	" commitment BLOB NOT NULL CHECK (length(commitment) = 32),"
	" blob_id INTEGER NOT NULL,"
	" meta BLOB NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" kek_id BLOB NOT NULL CHECK (length(kek_id) = 32),"
	" wrap_revision INTEGER NOT NULL,"
	" wrap BLOB NOT NULL,"
	" wrap_mac BLOB NOT NULL CHECK (length(wrap_mac) = 32),"
	" epoch_wrap BLOB NOT NULL,"
	" inline_chunk BLOB NOT NULL);"
	"CREATE UNIQUE INDEX version_by_record_id ON version_with_wrap (record_id, version);"
	"CREATE INDEX version_by_owner_id ON version_with_wrap (owner, record_id) WHERE state = 1;"
	"CREATE INDEX version_tombstones_by_age ON version_with_wrap (changed_ms) WHERE state = 3;"
	"CREATE INDEX version_by_blob_id ON version_with_wrap (blob_id) WHERE blob_id > 0;"
	"INSERT INTO version_with_wrap"
	" SELECT version_id, v.record_id, v.version, v.revision, v.state, v.suite, v.owner, v.size, v.created_ms,"
	" v.changed_ms, v.content_nonce, v.meta_nonce, v.commitment, v.blob_id, v.meta, v.mac,"
	" coalesce(w.kek_id, zeroblob(32)), coalesce(w.revision, 0), coalesce(w.wrap, x''),"
	" coalesce(w.mac, zeroblob(32)), coalesce(w.epoch_wrap, x''), v.inline_chunk"
	" FROM version AS v LEFT JOIN wrap AS w ON w.record_id = v.record_id AND w.version = v.version"
	" ORDER BY version_id;"
	"DELETE FROM wrap;"
	"DROP TABLE wrap;"
	"DELETE FROM version;"
	"DROP TABLE version;"
	"ALTER TABLE version_with_wrap RENAME TO version;",
};

enum { SCHEMA_VERSION = sizeof(MIGRATIONS) / sizeof(MIGRATIONS[0]) };

static enum store_status read_version(struct sql *sql, uint64_t *ret_version)
{
	struct sql_call call;

	sql_call(sql, STATEMENT_USER_VERSION, &call);
	if (sql_step(&call))
		*ret_version = sql_get_u64(&call);
	return sql_end(&call);
}

static enum store_status migrate_one(struct sql *sql, uint64_t from)
{
	char set_version[64];
	enum store_status status = sql_exec(sql, "BEGIN IMMEDIATE");

	if (status != STORE_OK)
		return status;
	snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%u", (unsigned)from + 1);
	status = sql_exec(sql, MIGRATIONS[from]);
	if (status == STORE_OK)
		status = sql_exec(sql, set_version);
	if (status == STORE_OK)
		status = sql_exec(sql, "COMMIT");
	if (status != STORE_OK && sql_in_transaction(sql) && sql_exec(sql, "ROLLBACK") != STORE_OK)
		return STORE_IO;
	return status;
}

enum store_status schema_migrate(struct sql *sql)
{
	uint64_t version = 0;
	enum store_status status = read_version(sql, &version);

	if (status == STORE_OK && version > SCHEMA_VERSION)
		return STORE_NEWER;
	for (; status == STORE_OK && version < SCHEMA_VERSION; version++)
		status = migrate_one(sql, version);
	return status;
}

enum store_status schema_check(struct sql *sql)
{
	uint64_t version = 0;
	enum store_status status = read_version(sql, &version);

	if (status != STORE_OK || version == SCHEMA_VERSION)
		return status;
	return version > SCHEMA_VERSION ? STORE_NEWER : version > 0 ? STORE_OLDER : STORE_CORRUPT;
}
