/* All SQL that runs after the schema stands, declared up front. Portable: no feature of one database but blobs. */
#ifndef COFFER_DB_STATEMENTS_H
#define COFFER_DB_STATEMENTS_H

#define VERSION_COLUMNS                                                                                                \
	"record_id, version, revision, state, suite, owner, size, created_ms, changed_ms, content_nonce, meta_nonce, " \
	"commitment, blob_id, meta, mac"

#define WRAP_COLUMNS "kek_id, wrap_revision, wrap, wrap_mac, epoch_wrap"

#define TOKEN_COLUMNS                                                                                                  \
	"token_id, revision, state, hash, account_id, scopes, created_ms, expires_ms, description, idle_ms, used_ms, " \
	"mac"

#define KEY_COLUMNS                                                                                           \
	"name, sequence, account_id, change, authority, created_ms, spki, signature, old_signature, origin, " \
	"previous, "                                                                                          \
	"hash, mac"

#define INVITE_COLUMNS "invite_id, revision, state, hash, name, scopes, created_ms, expires_ms, made_by, used_by, mac"

#define MESSAGE_COLUMNS                                                                                                \
	"message_id, mailbox, sender, sender_name, revision, state, kind, received_ms, expires_ms, changed_ms, size, " \
	"digest, recipient_key, sender_key, signature, session, mac"

#define GRANT_COLUMNS "record_id, account_id, revision, state, rights, created_ms, changed_ms, mac"

#define SEGMENT_COLUMNS "first, last, previous, hash, created_ms, mac"

#define PAGE_COLUMNS "first, last, low, high, mac, entries"

#define IDENTITY_COLUMNS "public_key, revision, state, created_ms, retired_ms, last_event, previous, endorsement, mac"

#define EPOCH_COLUMNS "epoch_id, kek_id, revision, created_ms, reserved, wrap, mac"

/* X(NAME, text). `state <> 1 AND` makes a partial index of blob usable. */
/* clang-format off */
#define STATEMENT_LIST(X) \
	X(BEGIN, "BEGIN") \
	X(BEGIN_IMMEDIATE, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(VERSION_LATEST, "SELECT " VERSION_COLUMNS ", " WRAP_COLUMNS ", inline_chunk FROM version WHERE record_id = ? " \
		"ORDER BY version DESC LIMIT 1") \
	X(VERSION_GET, "SELECT " VERSION_COLUMNS ", " WRAP_COLUMNS ", inline_chunk FROM version " \
		"WHERE record_id = ? AND version = ?") \
	X(VERSION_INSERT, "INSERT INTO version (" VERSION_COLUMNS ", " WRAP_COLUMNS ", inline_chunk) " \
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(VERSION_UPDATE, "UPDATE version SET state = ?, revision = ?, changed_ms = ?, mac = ? " \
		"WHERE record_id = ? AND version = ?") \
	X(VERSION_DELETE, "DELETE FROM version WHERE record_id = ?") \
	X(VERSION_COUNT, "SELECT count(*) FROM version") \
	X(RECORD_LIST, "SELECT " VERSION_COLUMNS " FROM version WHERE owner = ? AND record_id > ? AND state = 1 " \
		"ORDER BY record_id LIMIT ?") \
	X(VERSION_LIST, "SELECT " VERSION_COLUMNS " FROM version WHERE record_id = ? AND version > ? " \
		"ORDER BY version LIMIT ?") \
	X(RECORD_WALK, "SELECT DISTINCT record_id FROM version WHERE record_id > ? AND length(record_id) = 16 " \
		"ORDER BY record_id LIMIT ?") \
	X(RECORD_LAST, "SELECT record_id FROM version WHERE length(record_id) = 16 ORDER BY record_id DESC LIMIT 1") \
	X(TOMBSTONE_LIST, "SELECT " VERSION_COLUMNS " FROM version WHERE state = 3 AND changed_ms <= ? " \
		"ORDER BY changed_ms LIMIT ?") \
	X(VERSION_SET_EPOCH_WRAP, "UPDATE version SET epoch_wrap = ? WHERE record_id = ? AND version = ? AND kek_id = ?") \
	X(EPOCH_GET, "SELECT " EPOCH_COLUMNS " FROM epoch WHERE epoch_id = ?") \
	X(EPOCH_LATEST, "SELECT " EPOCH_COLUMNS " FROM epoch WHERE kek_id = ? ORDER BY created_ms DESC LIMIT 1") \
	X(EPOCH_LIST, "SELECT " EPOCH_COLUMNS " FROM epoch ORDER BY epoch_id") \
	X(EPOCH_INSERT, "INSERT INTO epoch (" EPOCH_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)") \
	X(EPOCH_UPDATE, "UPDATE epoch SET revision = ?, reserved = ?, mac = ? WHERE epoch_id = ?") \
	X(KEK_GET, "SELECT kek_id, revision, state, created_ms, spki, mac FROM kek WHERE kek_id = ?") \
	X(KEK_CURRENT, "SELECT kek_id, revision, state, created_ms, spki, mac FROM kek WHERE state = 1 " \
		"ORDER BY created_ms DESC LIMIT 1") \
	X(RECORD_VERSION, "SELECT version FROM version WHERE record_id = ? ORDER BY version DESC LIMIT 1") \
	X(KEK_LIST, "SELECT kek_id, revision, state, created_ms, spki, mac FROM kek ORDER BY kek_id") \
	X(KEK_INSERT, "INSERT INTO kek (kek_id, revision, state, created_ms, spki, mac) VALUES (?, ?, ?, ?, ?, ?)") \
	X(ACCOUNT_GET, "SELECT account_id, revision, state, scopes, created_ms, name, mac FROM account " \
		"WHERE account_id = ?") \
	X(ACCOUNT_BY_NAME, "SELECT account_id, revision, state, scopes, created_ms, name, mac FROM account " \
		"WHERE name = ?") \
	X(ACCOUNT_LIST, "SELECT account_id, revision, state, scopes, created_ms, name, mac FROM account " \
		"WHERE account_id > ? ORDER BY account_id LIMIT ?") \
	X(ACCOUNT_INSERT, "INSERT INTO account (account_id, revision, state, scopes, created_ms, name, mac) " \
		"VALUES (?, ?, ?, ?, ?, ?, ?)") \
	X(ACCOUNT_UPDATE, "UPDATE account SET revision = ?, state = ?, scopes = ?, mac = ? WHERE account_id = ?") \
	X(TOKEN_OF_ACCOUNT, "SELECT " TOKEN_COLUMNS " FROM token WHERE account_id = ? AND token_id > ? " \
		"ORDER BY token_id LIMIT ?") \
	X(TOKEN_BY_HASH, "SELECT " TOKEN_COLUMNS " FROM token WHERE hash = ?") \
	X(TOKEN_GET, "SELECT " TOKEN_COLUMNS " FROM token WHERE token_id = ?") \
	X(TOKEN_LIST, "SELECT " TOKEN_COLUMNS " FROM token WHERE token_id > ? ORDER BY token_id LIMIT ?") \
	X(TOKEN_SESSION, "SELECT " TOKEN_COLUMNS " FROM token WHERE account_id = ? AND idle_ms > 0 AND state = 1 LIMIT 1") \
	X(TOKEN_INSERT, "INSERT INTO token (" TOKEN_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(TOKEN_UPDATE, "UPDATE token SET revision = ?, state = ?, hash = ?, account_id = ?, scopes = ?, " \
		"created_ms = ?, expires_ms = ?, description = ?, idle_ms = ?, used_ms = ?, mac = ? WHERE token_id = ?") \
	X(TOKEN_EXPIRE, "DELETE FROM token WHERE token_id IN " \
		"(SELECT token_id FROM token WHERE idle_ms > 0 AND expires_ms < ? LIMIT ?)") \
	X(KEY_LATEST, "SELECT " KEY_COLUMNS " FROM directory_key WHERE name = ? ORDER BY sequence DESC LIMIT 1") \
	X(KEY_HISTORY, "SELECT " KEY_COLUMNS " FROM directory_key WHERE name = ? AND sequence > ? " \
		"ORDER BY sequence LIMIT ?") \
	X(KEY_LIST, "SELECT " KEY_COLUMNS " FROM directory_key WHERE name > ? AND change <> 3 AND sequence = " \
		"(SELECT max(sequence) FROM directory_key AS later WHERE later.name = directory_key.name) " \
		"ORDER BY name LIMIT ?") \
	X(KEY_SEQUENCE, "SELECT sequence FROM directory_key WHERE account_id = ? ORDER BY sequence DESC LIMIT 1") \
	X(KEY_WALK, "SELECT " KEY_COLUMNS " FROM directory_key ORDER BY name, sequence") \
	X(KEY_INSERT, "INSERT INTO directory_key (" KEY_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(INVITE_GET, "SELECT " INVITE_COLUMNS " FROM invite WHERE invite_id = ?") \
	X(INVITE_BY_HASH, "SELECT " INVITE_COLUMNS " FROM invite WHERE hash = ?") \
	X(INVITE_LIST, "SELECT " INVITE_COLUMNS " FROM invite WHERE invite_id > ? ORDER BY invite_id LIMIT ?") \
	X(INVITE_INSERT, "INSERT INTO invite (" INVITE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(INVITE_UPDATE, "UPDATE invite SET revision = ?, state = ?, used_by = ?, mac = ? WHERE invite_id = ?") \
	X(MESSAGE_GET, "SELECT " MESSAGE_COLUMNS ", body FROM message WHERE message_id = ?") \
	X(MESSAGE_LIST, "SELECT " MESSAGE_COLUMNS " FROM message WHERE mailbox = ? AND message_id > ? AND state = 1 " \
		"AND expires_ms > ? ORDER BY message_id LIMIT ?") \
	X(MESSAGE_DUE, "SELECT " MESSAGE_COLUMNS " FROM message WHERE state = 1 AND expires_ms <= ? " \
		"ORDER BY expires_ms LIMIT ?") \
	X(MESSAGE_REMOVED, "SELECT " MESSAGE_COLUMNS " FROM message WHERE state > 1 AND changed_ms <= ? " \
		"ORDER BY changed_ms LIMIT ?") \
	X(MESSAGE_STATE, "SELECT state FROM message WHERE message_id = ?") \
	X(MESSAGE_WALK, "SELECT " MESSAGE_COLUMNS ", body FROM message WHERE message_id > ? ORDER BY message_id LIMIT ?") \
	X(MESSAGE_INSERT, "INSERT INTO message (" MESSAGE_COLUMNS ", body) " \
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(MESSAGE_REMOVE, "UPDATE message SET revision = ?, state = ?, changed_ms = ?, mac = ?, body = zeroblob(0) " \
		"WHERE message_id = ? AND state = 1") \
	X(MESSAGE_DELETE, "DELETE FROM message WHERE message_id = ? AND state > 1") \
	X(COUNT_GET, "SELECT messages, bytes FROM mailbox_count WHERE mailbox = ? AND sender = ?") \
	X(COUNT_PUT, "INSERT INTO mailbox_count (mailbox, sender, messages, bytes) VALUES (?, ?, ?, ?) " \
		"ON CONFLICT (mailbox, sender) DO UPDATE SET messages = excluded.messages, bytes = excluded.bytes") \
	X(COUNT_DELETE, "DELETE FROM mailbox_count WHERE mailbox = ? AND sender = ?") \
	X(GRANT_GET, "SELECT " GRANT_COLUMNS " FROM record_grant WHERE record_id = ? AND account_id = ?") \
	X(GRANT_LIST, "SELECT " GRANT_COLUMNS " FROM record_grant WHERE record_id = ? AND account_id > ? " \
		"ORDER BY account_id LIMIT ?") \
	X(GRANT_WALK, "SELECT " GRANT_COLUMNS " FROM record_grant ORDER BY record_id, account_id") \
	X(GRANT_PUT, "INSERT INTO record_grant (" GRANT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?) " \
		"ON CONFLICT (record_id, account_id) DO UPDATE SET revision = excluded.revision, " \
		"state = excluded.state, rights = excluded.rights, changed_ms = excluded.changed_ms, mac = excluded.mac") \
	X(ORPHAN_GRANTS, "SELECT record_id, 0 FROM record_grant " \
		"WHERE account_id NOT IN (SELECT account_id FROM account)") \
	X(IDEMPOTENCY_GET, "SELECT key_mac, body_mac, record_id, version, created_ms FROM idempotency " \
		"WHERE key_mac = ?") \
	X(IDEMPOTENCY_LIST, "SELECT key_mac, body_mac, record_id, version, created_ms FROM idempotency " \
		"WHERE key_mac > ? ORDER BY key_mac LIMIT ?") \
	X(IDEMPOTENCY_INSERT, "INSERT INTO idempotency (key_mac, body_mac, record_id, version, created_ms) " \
		"VALUES (?, ?, ?, ?, ?)") \
	X(IDEMPOTENCY_EXPIRE, "DELETE FROM idempotency WHERE key_mac IN " \
		"(SELECT key_mac FROM idempotency WHERE created_ms < ? LIMIT ?)") \
	X(IDENTITY_LIST, "SELECT " IDENTITY_COLUMNS " FROM identity_key ORDER BY created_ms, public_key") \
	X(IDENTITY_PUT, "INSERT INTO identity_key (" IDENTITY_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) " \
		"ON CONFLICT (public_key) DO UPDATE SET revision = excluded.revision, state = excluded.state, " \
		"retired_ms = excluded.retired_ms, last_event = excluded.last_event, mac = excluded.mac") \
	X(AUDIT_LAST, "SELECT sequence, event, hash, mac FROM audit_event ORDER BY sequence DESC LIMIT 1") \
	X(AUDIT_LIST, "SELECT sequence, event, hash, mac FROM audit_event WHERE sequence > ? " \
		"ORDER BY sequence LIMIT ?") \
	X(AUDIT_INSERT, "INSERT INTO audit_event (sequence, event, hash, mac) VALUES (?, ?, ?, ?)") \
	X(AUDIT_REMOVE, "DELETE FROM audit_event WHERE sequence <= ? AND " \
		"sequence < (SELECT min(sequence) FROM audit_event) + ?") \
	X(SEGMENT_FROM, "SELECT " SEGMENT_COLUMNS " FROM audit_segment WHERE last >= ? ORDER BY last LIMIT 1") \
	X(SEGMENT_LAST, "SELECT " SEGMENT_COLUMNS " FROM audit_segment ORDER BY last DESC LIMIT 1") \
	X(SEGMENT_INSERT, "INSERT INTO audit_segment (" SEGMENT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)") \
	X(RUN_FROM, "SELECT first, last, entries, mac FROM audit_run WHERE last >= ? ORDER BY last LIMIT 1") \
	X(RUN_LAST, "SELECT first, last, entries, mac FROM audit_run ORDER BY last DESC LIMIT 1") \
	X(RUN_INSERT, "INSERT INTO audit_run (first, last, entries, mac) VALUES (?, ?, ?, ?)") \
	X(RUN_REMOVE, "DELETE FROM audit_run WHERE last >= ? AND last <= ?") \
	X(PAGE_AT, "SELECT " PAGE_COLUMNS " FROM audit_run_page WHERE last = ? AND first = ? AND low <= ? " \
		"ORDER BY low DESC LIMIT 1") \
	X(PAGE_LIST, "SELECT " PAGE_COLUMNS " FROM audit_run_page WHERE last = ? AND first = ? ORDER BY low") \
	X(PAGE_PUT, "INSERT INTO audit_run_page (" PAGE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?) " \
		"ON CONFLICT (last, first, low) DO UPDATE SET high = excluded.high, mac = excluded.mac, " \
		"entries = excluded.entries") \
	X(PAGE_REMOVE, "DELETE FROM audit_run_page WHERE page_id IN (SELECT page_id FROM audit_run_page " \
		"WHERE last >= ? AND last <= ? AND last - first < ? LIMIT ?)") \
	X(AUDIT_NOTE_GET, "SELECT sealed FROM audit_note WHERE sequence = ?") \
	X(AUDIT_NOTE_INSERT, "INSERT INTO audit_note (sequence, sealed) VALUES (?, ?)") \
	X(SETTING_GET, "SELECT value FROM setting WHERE name = ?") \
	X(SETTING_PUT, "INSERT INTO setting (name, value) VALUES (?, ?) " \
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value") \
	X(BLOB_STAGE, "INSERT INTO blob (blob_id, state) VALUES (?, 0)") \
	X(BLOB_LINK, "UPDATE blob SET state = 1 WHERE blob_id = ? AND state = 0 AND " \
		"(SELECT count(*) FROM chunk WHERE chunk.blob_id = blob.blob_id) = ?") \
	X(BLOB_DOOM_STAGED, "UPDATE blob SET state = 2 WHERE blob_id = ? AND state = 0") \
	X(BLOB_DOOM_ALL_STAGED, "UPDATE blob SET state = 2 WHERE state <> 1 AND state = 0") \
	X(BLOB_DOOM_RECORD, "UPDATE blob SET state = 2 WHERE blob_id IN " \
		"(SELECT blob_id FROM version WHERE record_id = ? AND blob_id > 0)") \
	/* blob.state is under no MAC, a version's row is: what one names stays. */ \
	X(BLOB_DOOMED, "SELECT blob_id FROM blob WHERE state <> 1 AND state = 2 AND NOT EXISTS (SELECT 1 FROM " \
		"version WHERE version.blob_id = blob.blob_id AND version.blob_id > 0) ORDER BY blob_id LIMIT 1") \
	X(BLOB_DELETE, "DELETE FROM blob WHERE blob_id = ?") \
	X(BLOB_LAST, "SELECT max(coalesce((SELECT max(blob_id) FROM blob), 0), " \
		"coalesce((SELECT max(blob_id) FROM chunk), 0))") \
	X(BLOB_GET, "SELECT state, (SELECT count(*) FROM chunk WHERE chunk.blob_id = blob.blob_id) FROM blob " \
		"WHERE blob_id = ?") \
	X(CHUNK_GET, "SELECT data FROM chunk WHERE blob_id = ? AND number = ?") \
	X(CHUNK_INSERT, "INSERT INTO chunk (blob_id, number, data) VALUES (?, ?, ?)") \
	X(CHUNK_DELETE_SOME, "DELETE FROM chunk WHERE chunk_id IN " \
		"(SELECT chunk_id FROM chunk WHERE blob_id = ? LIMIT ?)") \
	X(ORPHAN_WRAP_KEKS, "SELECT record_id, version FROM version " \
		"WHERE length(wrap) > 0 AND kek_id NOT IN (SELECT kek_id FROM kek)") \
	X(ORPHAN_OWNERS, "SELECT record_id, version FROM version WHERE owner NOT IN (SELECT account_id FROM account)") \
	X(ORPHAN_VERSIONS, "SELECT zeroblob(16), version_id FROM version " \
		"WHERE typeof(record_id) <> 'blob' OR length(record_id) <> 16") \
	X(ORPHAN_TOKENS, "SELECT token_id, 0 FROM token WHERE account_id NOT IN (SELECT account_id FROM account)") \
	X(ORPHAN_KEYS, "SELECT account_id, sequence FROM directory_key " \
		"WHERE account_id NOT IN (SELECT account_id FROM account)") \
	X(ORPHAN_ANSWERS, "SELECT record_id, version FROM idempotency " \
		"WHERE version > 0 AND record_id NOT IN (SELECT record_id FROM version)") \
	X(ORPHAN_BLOBS, "SELECT zeroblob(16), blob_id FROM blob " \
		"WHERE state = 1 AND blob_id NOT IN (SELECT blob_id FROM version)") \
	X(ORPHAN_CHUNKS, "SELECT DISTINCT zeroblob(16), blob_id FROM chunk " \
		"WHERE blob_id NOT IN (SELECT blob_id FROM blob)") \
	X(INTEGRITY_CHECK, "PRAGMA integrity_check(100)") \
	X(QUICK_CHECK, "PRAGMA quick_check(1)") \
	X(USER_VERSION, "PRAGMA user_version") \
	X(PAGE_SIZE, "PRAGMA page_size")
/* clang-format on */

#define STATEMENT_ENUM(name, text) STATEMENT_##name,
enum statement { STATEMENT_LIST(STATEMENT_ENUM) STATEMENT_COUNT };
#undef STATEMENT_ENUM

const char *statement_text(enum statement id);

#endif
