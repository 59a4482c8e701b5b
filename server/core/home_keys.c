/* The keys of a home: KEK, and what locks its private half (FORMATS §1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/core/clock.h"
#include "server/core/home_internal.h"
#include "server/core/keyring.h"
#include "server/core/rowmac.h"

enum { KEK_CURRENT = 1 };

/* The passphrase of the KEK's PKCS#8 file: the unlock key in hexadecimal. */
struct unlock_text {
	char text[2 * sizeof(struct unlock_key) + 1];
};

static void unlock_text(const struct unlock_key *key, struct unlock_text *ret_text)
{
	encode_hex(key->b, sizeof(key->b), ret_text->text);
}

static const char *slot_name(enum slot_kind kind)
{
	return kind == SLOT_PASSPHRASE ? "keys/unlock-passphrase.slot" : "keys/unlock-credential.slot";
}

/* "keys/kek-<64 hexadecimal digits>.pem". */
static void kek_name(const uint8_t id[static 32], char ret_name[static 80])
{
	char hex[65];

	encode_hex(id, 32, hex);
	snprintf(ret_name, 80, "keys/kek-%s.pem", hex);
}

static void derive(struct home *home)
{
	struct vault_keys *keys = home->vault.keys;

	mac_key_derive(home->root, home->vault.store_id, "coffer-row-mac-v1", &keys->row);
	mac_key_derive(home->root, home->vault.store_id, "coffer-token-v1", &keys->token);
	mac_key_derive(home->root, home->vault.store_id, "coffer-idempotency-v1", &keys->idempotency);
	mac_key_derive(home->root, home->vault.store_id, "coffer-audit-v1", &keys->audit);
}

/* ---- slots and the KEK's file -------------------------------------------------------------------------------------
 */

static enum core_status write_slot(const struct home *home, const struct home_secret *secret,
				   const struct unlock_key *key, struct files_error *error)
{
	uint8_t slot[SLOT_SIZE];
	const unsigned iterations = secret->kind != SLOT_PASSPHRASE ? 0
				    : secret->iterations	    ? secret->iterations
								    : SLOT_ITERATIONS;
	const enum crypto_status made =
		slot_seal(secret->kind, home->vault.store_id, secret->bytes, secret->size, iterations, key, slot);

	if (made != CRYPTO_OK)
		return files_fail(error, core_from_crypto(made), "cannot use %s: %s", secret->from,
				  crypto_status_text(made));
	return home_write_file(home, slot_name(secret->kind), 0600, slot, sizeof(slot), error);
}

/* CORE_DENIED: not this secret. CORE_CONFLICT: there is no slot of its kind. */
static enum core_status open_slot(const struct home *home, const struct home_secret *secret, struct unlock_key *ret_key,
				  struct files_error *error)
{
	char *slot = NULL;
	size_t size;
	enum crypto_status opened;
	enum core_status status = home_read_file(home, slot_name(secret->kind), true, &slot, &size, error);

	if (status == CORE_NOT_FOUND)
		return files_fail(error, CORE_CONFLICT, "no %s unlocks %s/keys",
				  secret->kind == SLOT_PASSPHRASE ? "passphrase" : "credential", home->path);
	if (status != CORE_OK)
		return status;
	opened = slot_open(secret->kind, home->vault.store_id, secret->bytes, secret->size, (const uint8_t *)slot, size,
			   ret_key);
	secret_free(slot, size + 1);
	if (opened == CRYPTO_LOCKED)
		return files_fail(error, CORE_DENIED, "%s does not unlock %s/keys", secret->from, home->path);
	if (opened == CRYPTO_FORMAT)
		return files_fail(error, CORE_DAMAGED, "%s/%s is damaged: restore it from a backup", home->path,
				  slot_name(secret->kind));
	return opened == CRYPTO_OK ? CORE_OK
				   : files_fail(error, core_from_crypto(opened), "%s", crypto_status_text(opened));
}

/* unlock NULL: the file is not encrypted. CORE_SEALED: it is, and `unlock` is NULL. */
static enum core_status read_private(const struct home *home, const struct unlock_key *unlock,
				     struct rsakey_private **ret_key, struct files_error *error)
{
	struct unlock_text text;
	char name[80];
	char *pem = NULL;
	size_t size;
	enum crypto_status opened;
	enum core_status status;

	kek_name(home->vault.kek_id, name);
	status = home_read_file(home, name, true, &pem, &size, error);
	if (status == CORE_NOT_FOUND)
		return files_fail(error, status, "%s/%s is missing: restore it, or start with --ingest-only",
				  home->path, name);
	if (status != CORE_OK)
		return status;
	if (unlock)
		unlock_text(unlock, &text);
	opened = rsakey_private_from_pem(pem, size, unlock ? text.text : NULL, ret_key);
	secret_wipe(&text, sizeof(text));
	secret_free(pem, size + 1);
	if (opened == CRYPTO_LOCKED && !unlock)
		return files_fail(error, CORE_SEALED, "%s/%s is locked", home->path, name);
	if (opened != CRYPTO_OK)
		return files_fail(error, CORE_DAMAGED, "cannot use %s/%s: %s", home->path, name,
				  crypto_status_text(opened));
	return CORE_OK;
}

static enum core_status write_private(const struct home *home, const struct rsakey_private *key,
				      const struct unlock_key *unlock, struct files_error *error)
{
	struct unlock_text text;
	char name[80];
	char *pem = NULL;
	size_t size;
	enum crypto_status made;
	enum core_status status;

	kek_name(home->vault.kek_id, name);
	if (unlock)
		unlock_text(unlock, &text);
	made = rsakey_private_to_pem(key, unlock ? text.text : NULL, &pem, &size);
	secret_wipe(&text, sizeof(text));
	if (made != CRYPTO_OK)
		return files_fail(error, core_from_crypto(made), "cannot write the KEK: %s", crypto_status_text(made));
	status = home_write_file(home, name, 0600, pem, size, error);
	secret_free(pem, size + 1);
	return status;
}

static enum core_status give_ring(struct home *home, struct rsakey_private *key, struct files_error *error)
{
	const enum core_status status = keyring_unseal(home->vault.ring, key);
	char name[80];

	kek_name(home->vault.kek_id, name);
	return status == CORE_OK
		       ? status
		       : files_fail(error, status, "%s/%s is not the key that the database names", home->path, name);
}

/* ---- a new store --------------------------------------------------------------------------------------------------
 */

struct found_job {
	struct store_job job; /* first */
	struct vault *vault;
	struct store_kek kek;
};

static enum store_status found_apply(struct store_job *job, struct store_txn *txn)
{
	struct found_job *found = (struct found_job *)job;
	const enum store_status status =
		store_setting_put(txn, "store_id", found->vault->store_id, sizeof(found->vault->store_id));

	return status == STORE_OK ? store_kek_insert(txn, &found->kek) : status;
}

/* The public half, on its own: it stays when the private half goes. */
static enum core_status set_public(struct home *home, const uint8_t *spki, size_t size, bool epoch_wraps,
				   struct files_error *error)
{
	struct vault *vault = &home->vault;
	const enum crypto_status read = rsakey_public_from_spki(spki, size, &vault->kek_public);
	enum core_status status;

	if (read != CRYPTO_OK)
		return files_fail(error, core_from_crypto(read), "cannot use the KEK in the database: %s",
				  crypto_status_text(read));
	rsakey_public_id(vault->kek_public, vault->kek_id);
	status = keyring_new(vault->kek_public, vault->store_id, epoch_wraps, &vault->ring);
	if (status != CORE_OK)
		return files_fail(error, status, "out of memory");
	keyring_count(vault->ring, vault->metrics);
	return CORE_OK;
}

/* Writes the private half as it is to be kept: under an unlock key that every secret given wraps, or in clear. */
static enum core_status keep_private(struct home *home, const struct home_options *options,
				     const struct rsakey_private *key, struct files_error *error)
{
	struct unlock_key unlock;
	enum core_status status = CORE_OK;

	if (options->secret_count == 0)
		return write_private(home, key, NULL, error);
	if (unlock_key_generate(&unlock) != CRYPTO_OK)
		return files_fail(error, CORE_INTERNAL, "the random generator failed");
	for (size_t i = 0; i < options->secret_count && status == CORE_OK; i++)
		status = write_slot(home, &options->secrets[i], &unlock, error);
	if (status == CORE_OK)
		status = write_private(home, key, &unlock, error);
	secret_wipe(&unlock, sizeof(unlock));
	return status;
}

/* Store id and KEK row are written together, after the key's files. */
static enum core_status found_store(struct home *home, const struct home_options *options, struct files_error *error)
{
	struct vault *vault = &home->vault;
	struct found_job found = {.job = {.apply = found_apply}, .vault = vault};
	struct rsakey_private *key = NULL;
	enum crypto_status made = random_uuid4(vault->store_id);
	enum core_status status;
	const uint8_t *spki;
	size_t size;

	if (home->ingest_only)
		return files_fail(
			error, CORE_CONFLICT,
			"%s has no store, and an ingest-only node cannot make one: run coffer init elsewhere, "
			"and copy the directory without keys/kek-*.pem",
			home->path);
	derive(home);
	if (made == CRYPTO_OK)
		made = rsakey_generate(options->kek_bits, &key);
	if (made != CRYPTO_OK)
		return files_fail(error, core_from_crypto(made), "cannot make the KEK: %s", crypto_status_text(made));
	spki = rsakey_public_spki(rsakey_private_public(key), &size);
	status = set_public(home, spki, size, options->epoch_wraps, error);
	if (status == CORE_OK)
		status = keep_private(home, options, key, error);
	if (status != CORE_OK) {
		rsakey_private_free(key);
		return status;
	}
	status = give_ring(home, key, error);
	if (status != CORE_OK)
		return status;
	found.kek = (struct store_kek){.revision = 1, .state = KEK_CURRENT, .created_ms = clock_unix_ms()};
	memcpy(found.kek.kek_id, vault->kek_id, sizeof(found.kek.kek_id));
	found.kek.spki.data = rsakey_public_spki(vault->kek_public, &found.kek.spki.size);
	if (!rowmac_seal_kek(vault, &found.kek))
		return files_fail(error, CORE_INTERNAL, "the KEK is too long");
	status = core_from_store(store_run(vault->store, &found.job));
	return status == CORE_OK ? status : files_fail(error, status, "cannot write the database");
}

/* ---- an existing one ----------------------------------------------------------------------------------------------
 */

/* Without a secret, or with the right one; a wrong one is an error, though the store could be opened sealed. */
static enum core_status open_private(struct home *home, const struct home_options *options, struct files_error *error)
{
	struct rsakey_private *key = NULL;
	struct unlock_key unlock;
	enum core_status status = read_private(home, NULL, &key, error);

	if (status == CORE_OK)
		return give_ring(home, key, error);
	if (status != CORE_SEALED || options->secret_count == 0)
		return status == CORE_SEALED ? CORE_OK : status;
	for (size_t i = 0; i < options->secret_count; i++) {
		status = open_slot(home, &options->secrets[i], &unlock, error);
		if (status != CORE_CONFLICT)
			break;
	}
	if (status == CORE_OK)
		status = read_private(home, &unlock, &key, error);
	secret_wipe(&unlock, sizeof(unlock));
	return status == CORE_OK ? give_ring(home, key, error) : status;
}

static enum core_status load_kek(struct home *home, const struct home_options *options, const struct store_kek *row,
				 struct files_error *error)
{
	enum core_status status;

	if (!rowmac_check_kek(&home->vault, row))
		return files_fail(error, CORE_DAMAGED,
				  "the KEK in the database does not verify with %s/keys/store.key: "
				  "key and database do not belong together, or the database was altered",
				  home->path);
	status = set_public(home, row->spki.data, row->spki.size, options->epoch_wraps, error);
	if (status != CORE_OK)
		return status;
	if (memcmp(home->vault.kek_id, row->kek_id, sizeof(row->kek_id)) != 0)
		return files_fail(error, CORE_DAMAGED, "the KEK in the database is not the one that its id names");
	return home->ingest_only ? CORE_OK : open_private(home, options, error);
}

enum core_status home_open_keys(struct home *home, const struct home_options *options, struct files_error *error)
{
	struct vault *vault = &home->vault;
	struct store_kek *row = NULL;
	size_t size;
	enum store_status status;
	enum core_status loaded;

	vault->keys = secret_alloc(sizeof(*vault->keys));
	if (!vault->keys)
		return files_fail(error, CORE_NOMEM, "no memory that can be locked (RLIMIT_MEMLOCK)");
	status = store_setting_get(home->view, "store_id", vault->store_id, sizeof(vault->store_id), &size);
	home->is_new = status == STORE_NOT_FOUND && !home->read_only;
	/* Before the rows that make the store an old one, which must have an identity. */
	loaded = home_open_identity(home, error);
	if (loaded != CORE_OK || home->is_new)
		return loaded == CORE_OK ? found_store(home, options, error) : loaded;
	if (status != STORE_OK || size != sizeof(vault->store_id))
		return files_fail(error, CORE_DAMAGED, "the database has no store id");
	derive(home);
	status = store_kek_current(home->view, &row);
	if (status != STORE_OK)
		return files_fail(error, CORE_DAMAGED, "the database has no current KEK");
	loaded = load_kek(home, options, row, error);
	free(row);
	return loaded;
}

/* ---- sealing and unsealing ----------------------------------------------------------------------------------------
 */

static bool has_file(const struct home *home, const char *name)
{
	char path[PATH_MAX];

	return home_path_of(home, name, path, &(struct files_error){NULL, 0}) == CORE_OK && access(path, F_OK) == 0;
}

bool home_is_protected(const struct home *home)
{
	struct rsakey_private *key = NULL;
	const enum core_status status = read_private(home, NULL, &key, &(struct files_error){NULL, 0});

	rsakey_private_free(key);
	return status == CORE_SEALED;
}

enum core_status home_seal(struct home *home)
{
	if (home->ingest_only || !home_is_protected(home) || !has_file(home, slot_name(SLOT_PASSPHRASE)))
		return CORE_CONFLICT;
	keyring_seal(home->vault.ring);
	return CORE_OK;
}

enum core_status home_unseal(struct home *home, const struct home_secret *secret)
{
	char text[256];
	struct files_error error = {text, sizeof(text)};
	struct rsakey_private *key = NULL;
	struct unlock_key unlock;
	enum core_status status;

	if (home->ingest_only)
		return CORE_CONFLICT;
	if (pthread_mutex_trylock(&home->unsealing) != 0)
		return CORE_BUSY;
	status = open_slot(home, secret, &unlock, &error);
	if (status == CORE_OK)
		status = read_private(home, &unlock, &key, &error);
	secret_wipe(&unlock, sizeof(unlock));
	if (status == CORE_OK)
		status = give_ring(home, key, &error);
	pthread_mutex_unlock(&home->unsealing);
	return status;
}

/* Where nothing is locked yet: the slot first, so that a crash in between leaves a key that opens without it. */
static enum core_status protect(struct home *home, const struct home_secret *secret, const struct rsakey_private *key,
				struct files_error *error)
{
	const struct home_options options = {.secrets = secret, .secret_count = 1};
	char path[PATH_MAX];
	enum core_status status = home_path_of(home, slot_name(SLOT_CREDENTIAL), path, error);

	if (status != CORE_OK)
		return status;
	if (unlink(path) != 0 && access(path, F_OK) == 0)
		return files_fail(error, CORE_UNAVAILABLE, "cannot remove the stale %s: %m", path);
	return keep_private(home, &options, key, error);
}

enum core_status home_change_passphrase(struct home *home, const struct home_secret *current,
					const struct home_secret *next, char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	struct rsakey_private *key = NULL;
	struct unlock_key unlock;
	enum core_status status = read_private(home, NULL, &key, &error);

	if (status == CORE_OK) {
		status = protect(home, next, key, &error);
		rsakey_private_free(key);
		return status;
	}
	if (status != CORE_SEALED)
		return status;
	status = open_slot(home, current, &unlock, &error);
	/* A slot whose key does not open the file would lose the file with the old passphrase. */
	if (status == CORE_OK)
		status = read_private(home, &unlock, &key, &error);
	if (status == CORE_OK)
		status = write_slot(home, next, &unlock, &error);
	secret_wipe(&unlock, sizeof(unlock));
	rsakey_private_free(key);
	return status;
}
