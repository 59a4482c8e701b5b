#include "tests/unit/support/partners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/pss.h"
#include "server/core/invite.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "partners: %s failed\n", what);
	abort();
}

const struct rsakey_private *partners_key(unsigned number)
{
	static struct rsakey_private *keys[PARTNERS_KEYS];

	if (!keys[number])
		must(rsakey_generate(2048, &keys[number]) == CRYPTO_OK, "a key");
	return keys[number];
}

void partners_fingerprint(const struct rsakey_private *key, uint8_t ret_fingerprint[static DIGEST_SIZE])
{
	rsakey_public_id(rsakey_private_public(key), ret_fingerprint);
}

static struct rsakey_public *copy_public(const struct rsakey_private *key)
{
	struct rsakey_public *copy = NULL;
	size_t size;
	const uint8_t *spki = rsakey_public_spki(rsakey_private_public(key), &size);

	must(rsakey_public_from_spki(spki, size, &copy) == CRYPTO_OK, "a public key");
	return copy;
}

static void sign(struct partners_put *p)
{
	const struct rsakey_private *by = p->not_by ? p->not_by : p->key;
	const struct rsakey_private *old_by = p->old_not_by ? p->old_not_by : p->old_key;
	char proof[DIRECTORY_PROOF_MAX];

	directory_proof(&p->put, proof);
	must(pss_sign(by, proof, strlen(proof), p->signature) == CRYPTO_OK, "signing");
	p->put.signature_size = rsakey_public_size(rsakey_private_public(by));
	if (!old_by)
		return;
	must(pss_sign(old_by, proof, strlen(proof), p->old_signature) == CRYPTO_OK, "signing");
	p->put.old_signature_size = rsakey_public_size(rsakey_private_public(old_by));
}

enum core_status partners_prove(struct fixture *fixture, struct partners_put *p)
{
	struct store_view *view = NULL;
	struct directory_put *put = &p->put;
	enum core_status decision;

	*put = (struct directory_put){.vault = &fixture->vault,
				      .origin = PARTNERS_ORIGIN,
				      .signature = p->signature,
				      .old_signature = p->old_key || p->old_not_by ? p->old_signature : NULL,
				      .principal = p->principal,
				      .open_enrollment = p->open_enrollment,
				      .has_invite = p->invite != NULL,
				      .if_sequence = p->if_sequence};
	must(directory_name(p->name, put->name), "a name");
	must(!p->invite || invite_hash(&fixture->vault, p->invite, put->invite_hash), "an invite's secret");
	must(store_view_new(fixture->vault.store, &view) == STORE_OK, "a view");
	decision = directory_put_decide(put, view);
	store_view_free(view);
	put->key = copy_public(p->key);
	sign(p);
	return directory_put_verify(put, decision);
}

static enum store_status put_apply(struct fixture *fixture, struct store_txn *txn, void *arg,
				   enum core_status *ret_result)
{
	(void)fixture;
	return directory_put_apply(arg, txn, ret_result);
}

enum core_status partners_apply(struct fixture *fixture, struct partners_put *p)
{
	return partners_run(fixture, put_apply, &p->put);
}

void partners_done(struct partners_put *p)
{
	directory_put_done(&p->put);
	rsakey_public_free(p->put.key);
	p->put.key = NULL;
}

enum core_status partners_put(struct fixture *fixture, struct partners_put *p)
{
	enum core_status status = partners_prove(fixture, p);

	if (status == CORE_OK)
		status = partners_apply(fixture, p);
	partners_done(p);
	return status;
}

void partners_enroll(struct fixture *fixture, const char *name, const struct rsakey_private *key,
		     struct directory_entry *ret_entry)
{
	struct partners_put put = {.name = name, .key = key, .open_enrollment = true};

	must(partners_put(fixture, &put) == CORE_OK, "enrolment");
	if (ret_entry)
		*ret_entry = put.put.entry;
}

struct removal {
	const char *name;
	const struct principal *principal;
};

static enum store_status remove_apply(struct fixture *fixture, struct store_txn *txn, void *arg,
				      enum core_status *ret_result)
{
	const struct removal *removal = arg;
	struct directory_entry entry;

	return directory_remove_apply(&fixture->vault, txn, removal->name, removal->principal, &entry, ret_result);
}

enum core_status partners_remove(struct fixture *fixture, const char *name, const struct principal *principal)
{
	struct removal removal = {name, principal};

	return partners_run(fixture, remove_apply, &removal);
}

struct run {
	struct store_job job; /* first: apply() is handed a pointer to it */
	struct fixture *fixture;
	enum store_status (*apply)(struct fixture *fixture, struct store_txn *txn, void *arg,
				   enum core_status *ret_result);
	void *arg;
	enum core_status result;
};

static enum store_status run_apply(struct store_job *job, struct store_txn *txn)
{
	struct run *run = (struct run *)job;

	return run->apply(run->fixture, txn, run->arg, &run->result);
}

enum core_status partners_run(struct fixture *fixture,
			      enum store_status (*apply)(struct fixture *fixture, struct store_txn *txn, void *arg,
							 enum core_status *ret_result),
			      void *arg)
{
	struct run run = {.job = {.apply = run_apply}, .fixture = fixture, .apply = apply, .arg = arg};

	const enum store_status status = store_run(fixture->vault.store, &run.job);

	return status == STORE_OK ? run.result : core_from_store(status);
}
