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
#include "server/core/home_internal.h"
#include "server/core/identities.h"
#include "server/core/keyring.h"
#include "server/core/metrics.h"
#include "server/core/principals.h"

enum core_status home_path_of(const struct home *home, const char *name, char ret_path[static PATH_MAX],
			      struct files_error *error)
{
	if (snprintf(ret_path, PATH_MAX, "%s/%s", home->path, name) >= PATH_MAX)
		return files_fail(error, CORE_UNAVAILABLE, "the path of %s is too long", home->path);
	return CORE_OK;
}

enum core_status home_read_file(const struct home *home, const char *name, bool secret, char **ret_text,
				size_t *ret_size, struct files_error *error)
{
	char path[PATH_MAX];
	const enum core_status status = home_path_of(home, name, path, error);

	return status == CORE_OK ? files_read(path, secret, ret_text, ret_size, error) : status;
}

enum core_status home_write_file(const struct home *home, const char *name, unsigned mode, const void *bytes,
				 size_t size, struct files_error *error)
{
	char path[PATH_MAX];
	const enum core_status status = home_path_of(home, name, path, error);

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
		status = home_path_of(home, INNER[i], path, error);
		if (status == CORE_OK)
			status = files_directory(path, !home->read_only, error);
		if (status != CORE_OK)
			return status;
	}
	status = home_path_of(home, "audit-archive", home->archive, error);
	home->vault.archive = home->archive;
	return status;
}

/* The store key is made before the database is, so a database without one has lost it. */
static enum core_status open_root(struct home *home, struct files_error *error)
{
	char database[PATH_MAX];
	char *bytes = NULL;
	size_t size = 0;
	enum core_status status = home_path_of(home, "coffer.db", database, error);

	if (status != CORE_OK)
		return status;
	home->root = secret_alloc(sizeof(*home->root));
	if (!home->root)
		return files_fail(error, CORE_NOMEM, "no memory that can be locked (RLIMIT_MEMLOCK)");
	status = home_read_file(home, "keys/store.key", true, &bytes, &size, error);
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
	return home_write_file(home, "keys/store.key", 0600, home->root->b, sizeof(home->root->b), error);
}

static void count_commit(void *metrics, const struct store_commit *commit)
{
	if (commit->good)
		metrics_committed(metrics, commit->jobs, commit->microseconds);
	else
		metrics_count(metrics, METRIC_COMMIT_FAILED, 1);
}

static enum core_status open_store(struct home *home, const struct home_options *options, struct files_error *error)
{
	char path[PATH_MAX];
	struct store_options store = options->store;
	enum store_status status;
	enum core_status placed = home_path_of(home, "coffer.db", path, error);

	if (placed != CORE_OK)
		return placed;
	store.path = path;
	store.committed = count_commit;
	store.committed_arg = home->vault.metrics;
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
	status = home_write_file(home, "admin.token", 0600, text, strlen(text), error);
	if (status == CORE_OK) {
		print_curl_options(home, token, sizeof(text), text);
		status = home_write_file(home, "admin.curl", 0600, text, strlen(text), error);
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
		status = home_open_keys(home, options, error);
	if (status == CORE_OK)
		status = home_open_identities(home, error);
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
	home->ingest_only = options->ingest_only;
	pthread_mutex_init(&home->unsealing, NULL);
	home->vault.principals = principals_new(options->token_cache_ms);
	home->vault.metrics = metrics_new();
	status = home->vault.principals && home->vault.metrics ? open_all(home, options, &error)
							       : files_fail(&error, CORE_NOMEM, "out of memory");
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
	principals_free(home->vault.principals);
	metrics_free(home->vault.metrics);
	identity_free(home->vault.identity);
	identities_free(home->vault.identities);
	keyring_free(home->vault.ring);
	rsakey_public_free(home->vault.kek_public);
	secret_free(home->vault.keys, sizeof(*home->vault.keys));
	pthread_mutex_destroy(&home->unsealing);
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
	return home_read_file(home, name, secret, ret_text, ret_size, &(struct files_error){ret_error, error_size});
}

enum core_status home_write(struct home *home, const char *name, unsigned mode, const void *bytes, size_t size,
			    char *ret_error, size_t error_size)
{
	return home_write_file(home, name, mode, bytes, size, &(struct files_error){ret_error, error_size});
}
