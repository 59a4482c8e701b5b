#include "tests/unit/support/fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "server/core/audit.h"
#include "server/core/keyring.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fixture: %s failed\n", what);
	abort();
}

void fixture_directory(char *ret_dir, size_t size)
{
	snprintf(ret_dir, size, "/tmp/coffer-test-XXXXXX");
	must(mkdtemp(ret_dir) != NULL, "mkdtemp");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void fixture_remove(const char *dir)
{
	must(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "removing the directory");
}

struct store *fixture_store(const char *path)
{
	struct store_options options = {.path = path, .queue_depth = 1024, .stage_bytes = 1 << 20};
	struct store *store = NULL;

	must(store_open(&options, &store) == STORE_OK, "store_open");
	return store;
}

static void open_vault(struct fixture *f)
{
	struct store_view *view = NULL;

	f->vault.store = fixture_store(f->path);
	must(store_view_new(f->vault.store, &view) == STORE_OK, "view");
	must(audit_chain_new(view, &f->vault, &f->vault.chain) == CORE_OK, "chain");
	store_view_free(view);
}

static void make_kek(struct fixture *f)
{
	struct rsakey_private *key = NULL;
	const uint8_t *spki;
	size_t size;

	must(rsakey_generate(2048, &key) == CRYPTO_OK, "KEK");
	spki = rsakey_public_spki(rsakey_private_public(key), &size);
	must(rsakey_public_from_spki(spki, size, &f->vault.kek_public) == CRYPTO_OK, "KEK");
	rsakey_public_id(f->vault.kek_public, f->vault.kek_id);
	must(keyring_new(f->vault.kek_public, f->vault.store_id, true, &f->vault.ring) == CORE_OK, "ring");
	must(keyring_unseal(f->vault.ring, key) == CORE_OK, "unseal");
}

void fixture_open(struct fixture *f)
{
	struct store_key root;
	struct store_view *view = NULL;
	char token[ACCOUNT_TOKEN_CHARS + 1];

	memset(f, 0, sizeof(*f));
	fixture_directory(f->dir, sizeof(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/coffer.db", f->dir);
	must(random_key(root.b, sizeof(root.b)) == CRYPTO_OK, "random");
	must(random_uuid4(f->vault.store_id) == CRYPTO_OK, "random");
	mac_key_derive(&root, f->vault.store_id, "coffer-row-mac-v1", &f->keys.row);
	mac_key_derive(&root, f->vault.store_id, "coffer-token-v1", &f->keys.token);
	mac_key_derive(&root, f->vault.store_id, "coffer-idempotency-v1", &f->keys.idempotency);
	mac_key_derive(&root, f->vault.store_id, "coffer-audit-v1", &f->keys.audit);
	f->vault.keys = &f->keys;
	make_kek(f);
	open_vault(f);
	must(account_token_generate(token) == CORE_OK, "token");
	must(account_create_admin(&f->vault, token) == CORE_OK, "administrator");
	must(store_view_new(f->vault.store, &view) == STORE_OK, "view");
	must(account_authenticate(&f->vault, view, token, &f->principal) == CORE_OK, "log in");
	store_view_free(view);
}

static void close_vault(struct fixture *f)
{
	store_close(f->vault.store);
	audit_chain_free(f->vault.chain);
}

void fixture_reopen(struct fixture *f)
{
	close_vault(f);
	open_vault(f);
}

void fixture_free_keys(struct fixture *f)
{
	keyring_free(f->vault.ring);
	rsakey_public_free(f->vault.kek_public);
}

void fixture_close(struct fixture *f)
{
	close_vault(f);
	fixture_free_keys(f);
	fixture_remove(f->dir);
}
