/*
 * The data directory: its layout, modes and first start.
 *
 *   DIR/                0700
 *   DIR/coffer.db       the store (and -wal, -shm beside it)
 *   DIR/audit.head      the signed head of the audit log (audit_keeper.h)
 *   DIR/audit-archive/  0700, once something is in it: segments of the audit log (audit_archive.h)
 *   DIR/keys/           0700; store.key (32 raw bytes), kek-<id>.pem, identity.pem, and when the KEK is locked
 *                       unlock-passphrase.slot, unlock-credential.slot (crypto/slot.h): each 0600
 *   DIR/tls/            0700; ca.pem (0644), ca.key, server.pem, server.key: 0600
 *   DIR/server.url      0600: where the server listens, while it runs (server/cli/server_url.h)
 *   DIR/admin.token     0600: the token and a newline
 *   DIR/admin.curl      0600: `header = "Authorization: Bearer …"` and `cacert = …`, for curl -K
 *
 * Secrets are written to a temporary file, synced and renamed. A key file that others can read, or that another user
 * owns, is refused: the message names file and mode.
 */
#ifndef COFFER_CORE_HOME_H
#define COFFER_CORE_HOME_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/slot.h"
#include "db/store.h"
#include "server/core/status.h"
#include "server/core/vault.h"

struct home;

/* Something that unlocks the KEK. Borrowed for the call it is given to. */
struct home_secret {
	enum slot_kind kind;
	const void *bytes;
	size_t size;
	unsigned iterations; /* for a new passphrase; 0: SLOT_ITERATIONS */
	const char *from;    /* what messages call it: "the passphrase in FILE" */
};

struct home_options {
	const char *data;	/* DIR; made when missing, unless read_only */
	unsigned kek_bits;	/* for the first start */
	bool read_only;		/* for check and audit verify: nothing is made or written */
	bool ingest_only;	/* the private half of the KEK is never read */
	bool epoch_wraps;	/* make and use them */
	int64_t token_cache_ms; /* how long a token that was verified is not looked up again */
	/* What a new store's KEK is locked with, by all of them, and an existing one's unlocked, by the first that has
	 * a slot. None: a new KEK is kept in clear, and a locked one stays locked. */
	const struct home_secret *secrets;
	size_t secret_count;
	struct store_options store; /* path is filled in */
};

/*
 * Opens DIR, making what a first start makes. On failure one line for the operator, which says what to do, goes to
 * ret_error. Order of a first start: directories, store key, KEK and identity files, database, KEK row, admin
 * account and its files; a start after a crash in between goes on where it stopped and never replaces a key that a
 * database refers to (a database with data whose store key is missing is an error).
 */
MUST_CHECK enum core_status home_open(const struct home_options *options, struct home **ret_home, char *ret_error,
				      size_t error_size);
void home_close(struct home *home);

/* Whether the private half of the KEK is locked by a passphrase or a credential. */
bool home_is_protected(const struct home *home);
/*
 * Any thread. Unsealing costs tenths of a second; one attempt at a time (CORE_BUSY). CORE_DENIED: not this secret.
 * CORE_CONFLICT: nothing of its kind locks the KEK, or the node only takes records in. CORE_DAMAGED.
 */
MUST_CHECK enum core_status home_unseal(struct home *home, const struct home_secret *secret);
/* Any thread. CORE_CONFLICT: no passphrase could unseal it again. */
MUST_CHECK enum core_status home_seal(struct home *home);
/*
 * Rewrites the passphrase's slot, or locks a KEK that is in clear (`current` is then not looked at). A server may be
 * running. Old copies of the files still open with the old passphrase. CORE_DENIED, CORE_CONFLICT, CORE_DAMAGED.
 */
MUST_CHECK enum core_status home_change_passphrase(struct home *home, const struct home_secret *current,
						   const struct home_secret *next, char *ret_error, size_t error_size);

/*
 * Replaces the identity key, whose private half is then gone; its public half stays, and vouches for what it has
 * signed. No server may be running: home_open() for writing sees to that. CORE_CONFLICT: there have been too many.
 */
MUST_CHECK enum core_status home_rotate_identity(struct home *home, char *ret_error, size_t error_size);

struct vault *home_vault(struct home *home);
/* The absolute path of DIR. */
const char *home_path(const struct home *home);
/* True when this open made the store. */
bool home_is_new(const struct home *home);

/* Files inside DIR, for the TLS material: read (secret: mode checked; contents in secret memory of *ret_size + 1 bytes,
 * terminated). */
MUST_CHECK enum core_status home_read(struct home *home, const char *name, bool secret, char **ret_text,
				      size_t *ret_size, char *ret_error, size_t error_size);
/* Atomically: temporary file, fsync, rename, fsync of the directory. mode 0600 or 0644. */
MUST_CHECK enum core_status home_write(struct home *home, const char *name, unsigned mode, const void *bytes,
				       size_t size, char *ret_error, size_t error_size);

#endif
