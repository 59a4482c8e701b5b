#include "server/core/home.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/core/account.h"
#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/files.h"
#include "server/core/rowmac.h"

enum { KEK_CURRENT = 1 };

struct home {
	char path[PATH_MAX];
	struct vault vault;
	struct store_key *root; /* in secret memory; wiped once the vault is open */
	struct store_view *view;
	bool read_only;
	bool is_new;
};

static enum core_status path_of(const struct home *home, const char *name, char ret_path[static PATH_MAX],
				struct files_error *error)
{
	if (snprintf(ret_path, PATH_MAX, "%s/%s", home->path, name) >= PATH_MAX)
		return files_fail(error, CORE_UNAVAILABLE, "the path of %s is too long", home->path);
	return CORE_OK;
}

static enum core_status read_file(const struct home *home, const char *name, bool secret, char **ret_text,
				  size_t *ret_size, struct files_error *error)
{
	char path[PATH_MAX];
	const enum core_status status = path_of(home, name, path, error);

	return status == CORE_OK ? files_read(path, secret, ret_text, ret_size, error) : status;
}

static enum core_status write_file(const struct home *home, const char *name, unsigned mode, const void *bytes,
				   size_t size, struct files_error *error)
{
	char path[PATH_MAX];
	const enum core_status status = path_of(home, name, path, error);

	return status == CORE_OK ? files_write(path, mode, bytes, size, error) : status;
}

static enum core_status open_directories(struct home *home, const char *data, struct files_error *error)
{
	static const char *const INNER[] = {"keys", "tls"};
	enum core_status status = files_directory(data, !home->read_only, error);
	char path[PATH_MAX];

	if (status != CORE_OK)
		return status;
	if (!realpath(data, home->path))
		return files_fail(error, CORE_UNAVAILABLE, "cannot resolve %s: %m", data);
	if (!home->read_only && access(home->path, W_OK) != 0)
		return files_fail(error, CORE_UNAVAILABLE, "%s cannot be written: %m", home->path);
	for (size_t i = 0; i < sizeof(INNER) / sizeof(INNER[0]); i++) {
		status = path_of(home, INNER[i], path, error);
		if (status == CORE_OK)
			status = files_directory(path, !home->read_only, error);
		if (status != CORE_OK)
			return status;
	}
	return CORE_OK;
}

/* The store key is made before the database is, so a database without one has lost it. */
static enum core_status open_root(struct home *home, struct files_error *error)
{
	char database[PATH_MAX];
	char *bytes = NULL;
	size_t size = 0;
	enum core_status status = path_of(home, "coffer.db", database, error);

	if (status != CORE_OK)
		return status;
	home->root = secret_alloc(sizeof(*home->root));
	if (!home->root)
		return files_fail(error, CORE_NOMEM, "no memory that can be locked (RLIMIT_MEMLOCK)");
	status = read_file(home, "keys/store.key", true, &bytes, &size, error);
	if (status == CORE_OK) {
		if (size == sizeof(home->root->b))
			memcpy(home->root->b, bytes, size);
		else
			status = files_fail(error, CORE_DAMAGED, "%s/keys/store.key is not 32 bytes: restore it",
					    home->path);
		secret_free(bytes, size + 1);
		return status;
	}
	if (status != CORE_NOT_FOUND || home->read_only)
		return status;
	if (access(database, F_OK) == 0)
		return files_fail(error, CORE_DAMAGED,
				  "%s exists but %s/keys/store.key is missing: restore it from a backup", database,
				  home->path);
	if (random_key(home->root->b, sizeof(home->root->b)) != CRYPTO_OK)
		return files_fail(error, CORE_INTERNAL, "the random generator failed");
	return write_file(home, "keys/store.key", 0600, home->root->b, sizeof(home->root->b), error);
}

static enum core_status open_store(struct home *home, const struct home_options *options, struct files_error *error)
{
	char path[PATH_MAX];
	struct store_options store = options->store;
	enum store_status status;
	enum core_status placed = path_of(home, "coffer.db", path, error);

	if (placed != CORE_OK)
		return placed;
	store.path = path;
	status = home->read_only ? store_open_readonly(path, &home->vault.store)
				 : store_open(&store, &home->vault.store);
	if (status == STORE_LOCKED)
		return files_fail(error, CORE_UNAVAILABLE, "another process has %s open: stop it first", path);
	if (status == STORE_CORRUPT)
		return files_fail(error, CORE_DAMAGED, "the database %s is damaged: restore it from a backup", path);
	if (status == STORE_OK)
		status = store_view_new(home->vault.store, &home->view);
	if (status != STORE_OK)
		return files_fail(error, core_from_store(status), "cannot open %s: %s", path,
				  store_status_text(status));
	return CORE_OK;
}

static void derive(struct home *home)
{
	struct vault_keys *keys = home->vault.keys;

	mac_key_derive(home->root, home->vault.store_id, "coffer-row-mac-v1", &keys->row);
	mac_key_derive(home->root, home->vault.store_id, "coffer-token-v1", &keys->token);
	mac_key_derive(home->root, home->vault.store_id, "coffer-idempotency-v1", &keys->idempotency);
	mac_key_derive(home->root, home->vault.store_id, "coffer-audit-v1", &keys->audit);
}

/* "keys/kek-<64 hexadecimal digits>.pem". */
static void kek_name(const uint8_t id[static 32], char ret_name[static 80])
{
	char hex[65];

	encode_hex(id, 32, hex);
	snprintf(ret_name, 80, "keys/kek-%s.pem", hex);
}

static enum core_status load_kek(struct home *home, const struct store_kek *row, struct files_error *error)
{
	struct vault *vault = &home->vault;
	char name[80];
	char *pem = NULL;
	size_t size, spki_size;
	const uint8_t *spki;
	enum core_status status;
	enum crypto_status opened;

	if (!rowmac_check_kek(vault, row))
		return files_fail(error, CORE_DAMAGED,
				  "the KEK in the database does not verify with %s/keys/store.key: "
				  "key and database do not belong together, or the database was altered",
				  home->path);
	kek_name(row->kek_id, name);
	status = read_file(home, name, true, &pem, &size, error);
	if (status != CORE_OK)
		return status;
	opened = rsakey_private_from_pem(pem, size, NULL, &vault->kek);
	secret_free(pem, size + 1);
	if (opened != CRYPTO_OK)
		return files_fail(error, core_from_crypto(opened), "cannot use %s/%s: %s", home->path, name,
				  crypto_status_text(opened));
	vault->kek_public = rsakey_private_public(vault->kek);
	rsakey_public_id(vault->kek_public, vault->kek_id);
	spki = rsakey_public_spki(vault->kek_public, &spki_size);
	if (memcmp(vault->kek_id, row->kek_id, sizeof(vault->kek_id)) != 0 || spki_size != row->spki.size ||
	    memcmp(spki, row->spki.data, spki_size) != 0)
		return files_fail(error, CORE_DAMAGED, "%s/%s is not the key that the database names", home->path,
				  name);
	return CORE_OK;
}

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

/* Store id and KEK row are written together, after the key's file. */
static enum core_status found_store(struct home *home, unsigned bits, struct files_error *error)
{
	struct vault *vault = &home->vault;
	struct found_job found = {.job = {.apply = found_apply}, .vault = vault};
	enum crypto_status made = random_uuid4(vault->store_id);
	char name[80];
	char *pem = NULL;
	size_t size;
	enum core_status status;

	derive(home);
	if (made == CRYPTO_OK)
		made = rsakey_generate(bits, &vault->kek);
	if (made == CRYPTO_OK)
		made = rsakey_private_to_pem(vault->kek, NULL, &pem, &size);
	if (made != CRYPTO_OK)
		return files_fail(error, core_from_crypto(made), "cannot make the KEK: %s", crypto_status_text(made));
	vault->kek_public = rsakey_private_public(vault->kek);
	rsakey_public_id(vault->kek_public, vault->kek_id);
	kek_name(vault->kek_id, name);
	status = write_file(home, name, 0600, pem, size, error);
	secret_free(pem, size + 1);
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

static enum core_status open_identity(struct home *home, struct files_error *error)
{
	char *pem = NULL;
	size_t size = 0;
	enum crypto_status made;
	enum core_status status = read_file(home, "keys/identity.pem", true, &pem, &size, error);

	if (status == CORE_OK) {
		made = identity_from_pem(pem, size, &home->vault.identity);
		if (made != CRYPTO_OK)
			status = files_fail(error, core_from_crypto(made), "cannot use %s/keys/identity.pem: %s",
					    home->path, crypto_status_text(made));
	} else if (status == CORE_NOT_FOUND && home->is_new) {
		made = identity_generate(&home->vault.identity);
		if (made == CRYPTO_OK)
			made = identity_to_pem(home->vault.identity, &pem, &size);
		status = made == CRYPTO_OK ? write_file(home, "keys/identity.pem", 0600, pem, size, error)
					   : files_fail(error, core_from_crypto(made), "cannot make the identity key");
	}
	secret_free(pem, size + 1);
	return status;
}

static enum core_status open_keys(struct home *home, unsigned bits, struct files_error *error)
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
	loaded = open_identity(home, error);
	if (loaded != CORE_OK || home->is_new)
		return loaded == CORE_OK ? found_store(home, bits, error) : loaded;
	if (status != STORE_OK || size != sizeof(vault->store_id))
		return files_fail(error, CORE_DAMAGED, "the database has no store id");
	derive(home);
	status = store_kek_current(home->view, &row);
	if (status != STORE_OK)
		return files_fail(error, CORE_DAMAGED, "the database has no current KEK");
	loaded = load_kek(home, row, error);
	free(row);
	return loaded;
}

/* The options for curl -K; a text in quotes has its quotes and backslashes escaped there. */
static void print_curl_options(const struct home *home, const char *token, size_t size, char *ret_text)
{
	size_t used = (size_t)snprintf(ret_text, size, "header = \"Authorization: Bearer %s\"\ncacert = \"", token);

	for (const char *at = home->path; *at; at++) {
		if (*at == '"' || *at == '\\')
			ret_text[used++] = '\\';
		ret_text[used++] = *at;
	}
	snprintf(ret_text + used, size - used, "/tls/ca.pem\"\n");
}

static enum core_status open_admin(struct home *home, struct files_error *error)
{
	struct store_account *account = NULL;
	const enum store_status found = store_account_by_name(home->view, "admin", &account);
	char token[ACCOUNT_TOKEN_CHARS + 1];
	char text[2 * PATH_MAX + 200]; /* each character of the path escaped */
	enum core_status status;

	free(account);
	if (found != STORE_OK && found != STORE_NOT_FOUND)
		return files_fail(error, core_from_store(found), "cannot read the accounts");
	/* The admin account and the first event are committed together: one without the other was removed. */
	if (found == STORE_OK && audit_chain_is_empty(home->vault.chain))
		return files_fail(error, CORE_DAMAGED, "the audit log has been emptied: restore the database");
	if (found == STORE_NOT_FOUND && !audit_chain_is_empty(home->vault.chain))
		return files_fail(error, CORE_DAMAGED, "the admin account has been removed: restore the database");
	if (found == STORE_OK)
		return CORE_OK;
	/* The files first: a crash in between leaves a token that opens nothing, and the next start replaces it. */
	status = account_token_generate(token);
	if (status != CORE_OK)
		return files_fail(error, status, "the random generator failed");
	snprintf(text, sizeof(text), "%s\n", token);
	status = write_file(home, "admin.token", 0600, text, strlen(text), error);
	if (status == CORE_OK) {
		print_curl_options(home, token, sizeof(text), text);
		status = write_file(home, "admin.curl", 0600, text, strlen(text), error);
	}
	if (status == CORE_OK) {
		status = account_create_admin(&home->vault, token);
		if (status != CORE_OK)
			status = files_fail(error, status, "cannot make the admin account");
	}
	secret_wipe(token, sizeof(token));
	secret_wipe(text, sizeof(text));
	return status;
}

static enum core_status open_all(struct home *home, const struct home_options *options, struct files_error *error)
{
	enum core_status status = open_directories(home, options->data, error);

	if (status == CORE_OK)
		status = open_root(home, error);
	if (status == CORE_OK)
		status = open_store(home, options, error);
	if (status == CORE_OK)
		status = open_keys(home, options->kek_bits, error);
	if (status != CORE_OK)
		return status;
	status = audit_chain_new(home->view, &home->vault, &home->vault.chain);
	if (status != CORE_OK && !home->read_only)
		return files_fail(error, status, "the audit log's last event does not verify");
	return home->read_only ? CORE_OK : open_admin(home, error);
}

enum core_status home_open(const struct home_options *options, struct home **ret_home, char *ret_error,
			   size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	struct home *home = calloc(1, sizeof(*home));
	enum core_status status;

	if (!home)
		return files_fail(&error, CORE_NOMEM, "out of memory");
	home->read_only = options->read_only;
	status = open_all(home, options, &error);
	store_view_free(home->view);
	home->view = NULL;
	secret_free(home->root, sizeof(*home->root));
	home->root = NULL;
	if (status != CORE_OK) {
		home_close(home);
		return status;
	}
	*ret_home = home;
	return CORE_OK;
}

void home_close(struct home *home)
{
	if (!home)
		return;
	store_close(home->vault.store);
	audit_chain_free(home->vault.chain);
	identity_free(home->vault.identity);
	rsakey_private_free(home->vault.kek);
	rsakey_public_free(home->vault.kek_public_owned);
	secret_free(home->vault.keys, sizeof(*home->vault.keys));
	free(home);
}

struct vault *home_vault(struct home *home)
{
	return &home->vault;
}

const char *home_path(const struct home *home)
{
	return home->path;
}

bool home_is_new(const struct home *home)
{
	return home->is_new;
}

enum core_status home_read(struct home *home, const char *name, bool secret, char **ret_text, size_t *ret_size,
			   char *ret_error, size_t error_size)
{
	return read_file(home, name, secret, ret_text, ret_size, &(struct files_error){ret_error, error_size});
}

enum core_status home_write(struct home *home, const char *name, unsigned mode, const void *bytes, size_t size,
			    char *ret_error, size_t error_size)
{
	return write_file(home, name, mode, bytes, size, &(struct files_error){ret_error, error_size});
}
