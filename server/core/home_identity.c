/* The identity key of a home: made with the store, replaced by `coffer identity rotate`; the rows of all there were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/home_internal.h"
#include "server/core/identities.h"
#include "server/core/rowmac.h"

static const char FILE_NAME[] = "keys/identity.pem", NEXT_NAME[] = "keys/identity-next.pem";

static enum core_status read_key(struct home *home, const char *name, struct identity **ret_identity,
				 struct files_error *error)
{
	char *pem = NULL;
	size_t size = 0;
	enum crypto_status made;
	enum core_status status = home_read_file(home, name, true, &pem, &size, error);

	if (status != CORE_OK)
		return status;
	made = identity_from_pem(pem, size, ret_identity);
	secret_free(pem, size + 1);
	return made == CRYPTO_OK ? CORE_OK
				 : files_fail(error, core_from_crypto(made), "cannot use %s/%s: %s", home->path, name,
					      crypto_status_text(made));
}

static enum core_status write_key(struct home *home, const char *name, const struct identity *identity,
				  struct files_error *error)
{
	char *pem = NULL;
	size_t size = 0;
	const enum crypto_status made = identity_to_pem(identity, &pem, &size);
	enum core_status status;

	if (made != CRYPTO_OK)
		return files_fail(error, core_from_crypto(made), "cannot write the identity key: %s",
				  crypto_status_text(made));
	status = home_write_file(home, name, 0600, pem, size, error);
	secret_free(pem, size + 1);
	return status;
}

static enum core_status make_key(struct home *home, const char *name, struct identity **ret_identity,
				 struct files_error *error)
{
	const enum crypto_status made = identity_generate(ret_identity);

	return made == CRYPTO_OK ? write_key(home, name, *ret_identity, error)
				 : files_fail(error, core_from_crypto(made), "cannot make the identity key");
}

enum core_status home_open_identity(struct home *home, struct files_error *error)
{
	const enum core_status status = read_key(home, FILE_NAME, &home->vault.identity, error);

	return status == CORE_NOT_FOUND && home->is_new ? make_key(home, FILE_NAME, &home->vault.identity, error)
							: status;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------
 */

struct identity_job {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	struct store_identity row, retired;
};

static enum store_status put(const struct vault *vault, struct store_txn *txn, struct store_identity *row)
{
	return rowmac_seal_identity(vault, row) ? store_identity_put(txn, row) : STORE_IO;
}

static enum store_status first_apply(struct store_job *job, struct store_txn *txn)
{
	struct identity_job *first = (struct identity_job *)job;

	return put(first->vault, txn, &first->row);
}

/* A new store, or one that was made before these rows were. */
static enum core_status write_first(struct home *home, struct files_error *error)
{
	struct identity_job first = {.job = {.apply = first_apply}, .vault = &home->vault};
	enum core_status status;

	identities_endorse(&home->vault, NULL, home->vault.identity, clock_unix_ms(), &first.row);
	status = core_from_store(store_run(home->vault.store, &first.job));
	if (status == CORE_OK)
		status = identities_load(&home->vault, home->view, &home->vault.identities);
	return status == CORE_OK ? status : files_fail(error, status, "cannot write the database");
}

static bool is_key(const struct identity *identity, const struct store_identity *row)
{
	uint8_t public_key[IDENTITY_PUBLIC_SIZE];

	identity_public(identity, public_key);
	return memcmp(public_key, row->public_key, sizeof(public_key)) == 0;
}

/* *ret_identity becomes the vault's. */
static void give(struct home *home, struct identity **ret_identity)
{
	identity_free(home->vault.identity);
	home->vault.identity = *ret_identity;
	*ret_identity = NULL;
}

/* What a rotation no longer needs, or never came to. */
static void drop_next(const struct home *home)
{
	char path[PATH_MAX];

	if (!home->read_only && home_path_of(home, NEXT_NAME, path, &(struct files_error){NULL, 0}) == CORE_OK)
		(void)unlink(path);
}

static enum core_status take_place(struct home *home, struct identity **next, struct files_error *error)
{
	enum core_status status = home->read_only ? CORE_OK : write_key(home, FILE_NAME, *next, error);

	if (status != CORE_OK)
		return status;
	drop_next(home);
	give(home, next);
	return CORE_OK;
}

/* A rotation that was cut off between its rows and its file: the rows count. */
static enum core_status finish_rotation(struct home *home, const struct store_identity *current,
					struct files_error *error)
{
	struct identity *next = NULL;
	enum core_status status = read_key(home, NEXT_NAME, &next, error);

	if (status == CORE_OK && is_key(next, current))
		status = take_place(home, &next, error);
	else
		status = files_fail(error, CORE_DAMAGED,
				    "%s/%s is not the key that the database names: restore the one that belongs to it",
				    home->path, FILE_NAME);
	identity_free(next);
	return status;
}

enum core_status home_open_identities(struct home *home, struct files_error *error)
{
	const enum core_status status = identities_load(&home->vault, home->view, &home->vault.identities);

	if (status == CORE_NOT_FOUND)
		return home->read_only ? CORE_OK : write_first(home, error);
	if (status == CORE_DAMAGED && home->read_only)
		return CORE_OK; /* coffer check names the row; no key but the file's vouches for anything */
	if (status != CORE_OK)
		return files_fail(error, status,
				  status == CORE_DAMAGED ? "a row of the table identity_key was altered or removed"
							 : "the identity keys cannot be read");
	if (is_key(home->vault.identity, identities_current(home->vault.identities))) {
		drop_next(home);
		return CORE_OK;
	}
	return finish_rotation(home, identities_current(home->vault.identities), error);
}

/* ---- rotation -----------------------------------------------------------------------------------------------------
 */

static enum store_status rotate_apply(struct store_job *job, struct store_txn *txn)
{
	struct identity_job *rotation = (struct identity_job *)job;
	const struct audit_event event = {.time_ms = rotation->row.created_ms, .action = AUDIT_IDENTITY_ROTATE};
	enum store_status status = audit_append(rotation->vault, txn, &event);

	if (status != STORE_OK)
		return status;
	rotation->retired.last_event = audit_appended(rotation->vault) - 1;
	status = put(rotation->vault, txn, &rotation->retired);
	return status == STORE_OK ? put(rotation->vault, txn, &rotation->row) : status;
}

static void rotate_settled(struct store_job *job, bool committed)
{
	audit_settled(((struct identity_job *)job)->vault, committed);
}

/* The file of the new key first, then the rows, then the file takes its place: whatever is cut off, one opens. */
enum core_status home_rotate_identity(struct home *home, char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	struct vault *vault = &home->vault;
	struct identity_job rotation = {.job = {.apply = rotate_apply, .settled = rotate_settled}, .vault = vault};
	struct identities *identities = NULL;
	struct store_view *view = NULL;
	struct identity *next = NULL;
	enum core_status status;

	if (vault->identities->count == IDENTITIES_MAX)
		return files_fail(&error, CORE_CONFLICT, "there have been %d identity keys: no more are kept",
				  IDENTITIES_MAX);
	status = make_key(home, NEXT_NAME, &next, &error);
	if (status != CORE_OK)
		goto out;
	rotation.retired = *identities_current(vault->identities);
	rotation.retired.state = STORE_IDENTITY_RETIRED;
	rotation.retired.revision++;
	rotation.retired.retired_ms = clock_unix_ms();
	identities_endorse(vault, vault->identity, next, rotation.retired.retired_ms, &rotation.row);
	status = core_from_store(store_run(vault->store, &rotation.job));
	if (status == CORE_OK)
		status = core_from_store(store_view_new(vault->store, &view));
	if (status == CORE_OK)
		status = identities_load(vault, view, &identities);
	if (status != CORE_OK) {
		status = files_fail(&error, status, "cannot write the database");
		goto out;
	}
	identities_free(vault->identities);
	vault->identities = identities;
	status = take_place(home, &next, &error);
out:
	store_view_free(view);
	identity_free(next);
	return status;
}
