#include "server/core/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/oaep.h"
#include "server/core/metrics.h"

struct epoch {
	uint8_t id[16];
	struct epoch_key *key;
	uint64_t loaded_as; /* counts loads: who came first goes first */
};

/*
 * `keys` is held for reading by whoever uses a key and for writing by whoever adds or wipes one. `loading` is held
 * while an epoch key is being unwrapped, and taken before `keys`.
 */
struct keyring {
	const struct rsakey_public *kek;
	uint8_t kek_id[32];
	uint8_t store_id[16];
	bool epoch_wraps;
	struct metrics *metrics;

	pthread_mutex_t loading;
	pthread_rwlock_t keys;
	struct rsakey_private *private_half; /* NULL while sealed */
	struct epoch *epochs;		     /* ascending ids */
	size_t epoch_count;
	uint64_t loads;
	uint8_t used[16]; /* the epoch that new wraps are made under, while `left` is not 0 */
	_Atomic uint64_t left;
};

enum core_status keyring_new(const struct rsakey_public *kek, const uint8_t store_id[static 16], bool epoch_wraps,
			     struct keyring **ret_ring)
{
	struct keyring *ring = calloc(1, sizeof(*ring));
	pthread_rwlockattr_t attributes;

	if (!ring)
		return CORE_NOMEM;
	ring->kek = kek;
	rsakey_public_id(kek, ring->kek_id);
	memcpy(ring->store_id, store_id, sizeof(ring->store_id));
	ring->epoch_wraps = epoch_wraps;
	pthread_mutex_init(&ring->loading, NULL);
	/* Readers come without end: one who wants to seal must not wait for a moment without any. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&ring->keys, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	*ret_ring = ring;
	return CORE_OK;
}

void keyring_count(struct keyring *ring, struct metrics *metrics)
{
	ring->metrics = metrics;
}

void keyring_free(struct keyring *ring)
{
	if (!ring)
		return;
	keyring_seal(ring);
	pthread_rwlock_destroy(&ring->keys);
	pthread_mutex_destroy(&ring->loading);
	free(ring);
}

enum core_status keyring_unseal(struct keyring *ring, struct rsakey_private *kek)
{
	uint8_t id[32];

	rsakey_public_id(rsakey_private_public(kek), id);
	if (memcmp(id, ring->kek_id, sizeof(id)) != 0) {
		rsakey_private_free(kek);
		return CORE_DAMAGED;
	}
	pthread_rwlock_wrlock(&ring->keys);
	rsakey_private_free(ring->private_half);
	ring->private_half = kek;
	pthread_rwlock_unlock(&ring->keys);
	return CORE_OK;
}

void keyring_seal(struct keyring *ring)
{
	pthread_rwlock_wrlock(&ring->keys);
	rsakey_private_free(ring->private_half);
	ring->private_half = NULL;
	for (size_t i = 0; i < ring->epoch_count; i++)
		epoch_key_free(ring->epochs[i].key);
	free(ring->epochs);
	ring->epochs = NULL;
	ring->epoch_count = 0;
	ring->left = 0;
	pthread_rwlock_unlock(&ring->keys);
}

bool keyring_sealed(struct keyring *ring)
{
	bool sealed;

	pthread_rwlock_rdlock(&ring->keys);
	sealed = !ring->private_half;
	pthread_rwlock_unlock(&ring->keys);
	return sealed;
}

enum core_status keyring_dek_unwrap(struct keyring *ring, const struct record_context *context, const uint8_t *wrap,
				    size_t wrap_size, struct dek *ret_dek)
{
	enum core_status status = CORE_SEALED;

	pthread_rwlock_rdlock(&ring->keys);
	if (ring->private_half) {
		metrics_count(ring->metrics, METRIC_RSA_RECORD_KEY, 1);
		status = core_from_crypto(dek_unwrap(ring->private_half, context, wrap, wrap_size, ret_dek));
	}
	pthread_rwlock_unlock(&ring->keys);
	return status;
}

enum core_status keyring_oaep_decrypt(struct keyring *ring, const void *label, size_t label_size,
				      const uint8_t *ciphertext, size_t ciphertext_size, uint8_t *ret_message,
				      size_t *ret_size)
{
	enum core_status status = CORE_SEALED;

	pthread_rwlock_rdlock(&ring->keys);
	if (ring->private_half) {
		metrics_count(ring->metrics, METRIC_RSA_OTHER, 1);
		status = core_from_crypto(oaep_decrypt(ring->private_half, OAEP_SHA256, label, label_size, ciphertext,
						       ciphertext_size, ret_message, ret_size));
	}
	pthread_rwlock_unlock(&ring->keys);
	return status;
}

/* ---- the epochs that are loaded -----------------------------------------------------------------------------------
 */

static int compare_epochs(const void *id, const void *epoch)
{
	return memcmp(id, ((const struct epoch *)epoch)->id, sizeof(((const struct epoch *)epoch)->id));
}

static struct epoch *find(struct keyring *ring, const uint8_t epoch_id[static 16])
{
	return ring->epoch_count
		       ? bsearch(epoch_id, ring->epochs, ring->epoch_count, sizeof(*ring->epochs), compare_epochs)
		       : NULL;
}

static void drop_oldest(struct keyring *ring)
{
	size_t oldest = 0;

	for (size_t i = 1; i < ring->epoch_count; i++)
		if (ring->epochs[i].loaded_as < ring->epochs[oldest].loaded_as)
			oldest = i;
	epoch_key_free(ring->epochs[oldest].key);
	ring->epoch_count--;
	memmove(&ring->epochs[oldest], &ring->epochs[oldest + 1], (ring->epoch_count - oldest) * sizeof(*ring->epochs));
}

/* Takes `key`, also on failure. */
static enum core_status add(struct keyring *ring, const uint8_t epoch_id[static 16], struct epoch_key *key)
{
	enum core_status status = CORE_OK;
	struct epoch *grown;
	size_t at = 0;

	pthread_rwlock_wrlock(&ring->keys);
	if (!ring->private_half) {
		status = CORE_SEALED;
		goto out;
	}
	if (ring->epoch_count == KEYRING_EPOCHS_MAX)
		drop_oldest(ring);
	grown = realloc(ring->epochs, (ring->epoch_count + 1) * sizeof(*grown));
	if (!grown) {
		status = CORE_NOMEM;
		goto out;
	}
	ring->epochs = grown;
	while (at < ring->epoch_count && memcmp(grown[at].id, epoch_id, sizeof(grown[at].id)) < 0)
		at++;
	memmove(&grown[at + 1], &grown[at], (ring->epoch_count - at) * sizeof(*grown));
	ring->epoch_count++;
	grown[at].key = key;
	grown[at].loaded_as = ring->loads++;
	memcpy(grown[at].id, epoch_id, sizeof(grown[at].id));
	key = NULL;
out:
	pthread_rwlock_unlock(&ring->keys);
	epoch_key_free(key);
	return status;
}

bool keyring_epoch_wraps(const struct keyring *ring)
{
	return ring->epoch_wraps;
}

bool keyring_epoch_loaded(struct keyring *ring, const uint8_t epoch_id[static 16])
{
	bool loaded;

	pthread_rwlock_rdlock(&ring->keys);
	loaded = find(ring, epoch_id) != NULL;
	pthread_rwlock_unlock(&ring->keys);
	return loaded;
}

enum core_status keyring_epoch_load(struct keyring *ring, const uint8_t epoch_id[static 16], const uint8_t *wrap,
				    size_t wrap_size)
{
	struct epoch_key *key = NULL;
	enum core_status status = CORE_OK;

	pthread_mutex_lock(&ring->loading);
	if (keyring_epoch_loaded(ring, epoch_id))
		goto out;
	pthread_rwlock_rdlock(&ring->keys);
	if (ring->private_half)
		metrics_count(ring->metrics, METRIC_RSA_EPOCH_KEY, 1);
	status = ring->private_half ? core_from_crypto(epoch_key_unwrap(ring->private_half, ring->store_id, epoch_id,
									wrap, wrap_size, &key))
				    : CORE_SEALED;
	pthread_rwlock_unlock(&ring->keys);
	if (status == CORE_OK)
		status = add(ring, epoch_id, key);
out:
	pthread_mutex_unlock(&ring->loading);
	return status;
}

enum core_status keyring_epoch_make(struct keyring *ring, const uint8_t epoch_id[static 16], uint8_t *ret_wrap)
{
	struct epoch_key *key = NULL;
	enum core_status status = core_from_crypto(epoch_key_generate(&key));

	if (status == CORE_OK)
		status = core_from_crypto(epoch_key_wrap(ring->kek, ring->store_id, epoch_id, key, ret_wrap));
	if (status != CORE_OK) {
		epoch_key_free(key);
		return status;
	}
	return add(ring, epoch_id, key);
}

/* ---- wraps --------------------------------------------------------------------------------------------------------
 */

void keyring_epoch_use(struct keyring *ring, const uint8_t epoch_id[static 16], uint64_t count)
{
	pthread_rwlock_wrlock(&ring->keys);
	memcpy(ring->used, epoch_id, sizeof(ring->used));
	ring->left = find(ring, epoch_id) ? count : 0;
	pthread_rwlock_unlock(&ring->keys);
}

uint64_t keyring_epoch_left(struct keyring *ring, uint8_t ret_epoch_id[static 16])
{
	uint64_t left;

	pthread_rwlock_rdlock(&ring->keys);
	memcpy(ret_epoch_id, ring->used, sizeof(ring->used));
	left = ring->left;
	pthread_rwlock_unlock(&ring->keys);
	return left;
}

static void name_epoch(const struct keyring *ring, const uint8_t epoch_id[static 16], struct epoch_name *ret_name)
{
	memcpy(ret_name->kek_id, ring->kek_id, sizeof(ret_name->kek_id));
	memcpy(ret_name->epoch_id, epoch_id, sizeof(ret_name->epoch_id));
}

/* Takes one of the wraps that may still be made. */
static bool take_one(struct keyring *ring)
{
	uint64_t left = ring->left;

	while (left > 0)
		if (atomic_compare_exchange_weak(&ring->left, &left, left - 1))
			return true;
	return false;
}

bool keyring_epoch_wrap(struct keyring *ring, const struct record_context *context, const struct dek *dek,
			uint8_t ret_wrap[static KEYRING_EPOCH_WRAP_SIZE])
{
	const struct epoch *epoch;
	struct epoch_name name;
	bool wrapped = false;

	if (!ring->epoch_wraps)
		return false;
	pthread_rwlock_rdlock(&ring->keys);
	epoch = take_one(ring) ? find(ring, ring->used) : NULL;
	if (epoch) {
		name_epoch(ring, epoch->id, &name);
		memcpy(ret_wrap, epoch->id, sizeof(epoch->id));
		wrapped = epoch_dek_wrap(epoch->key, &name, context, dek, ret_wrap + sizeof(epoch->id)) == CRYPTO_OK;
	}
	pthread_rwlock_unlock(&ring->keys);
	return wrapped;
}

enum core_status keyring_epoch_unwrap(struct keyring *ring, const struct record_context *context,
				      const uint8_t wrap[static KEYRING_EPOCH_WRAP_SIZE], struct dek *ret_dek)
{
	const struct epoch *epoch;
	struct epoch_name name;
	enum core_status status;

	pthread_rwlock_rdlock(&ring->keys);
	epoch = find(ring, wrap);
	if (epoch) {
		name_epoch(ring, epoch->id, &name);
		status = core_from_crypto(
			epoch_dek_unwrap(epoch->key, &name, context, wrap + sizeof(epoch->id), ret_dek));
	} else {
		status = ring->private_half ? CORE_NOT_FOUND : CORE_SEALED;
	}
	pthread_rwlock_unlock(&ring->keys);
	return status;
}
