#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/core/keyring.h"

static const uint8_t STORE_ID[16] = {1};
static const uint8_t EPOCH[16] = {7};
static const struct record_context CONTEXT = {.suite = RECORD_SUITE_1, .store_id = {1}, .record_id = {2}, .version = 3};

static struct rsakey_private *kek_for_ring, *kek;
static struct keyring *ring;

/* The ring takes the key it is unsealed with: a second copy serves the tests. */
static struct rsakey_private *copy_of(const struct rsakey_private *key)
{
	struct rsakey_private *copy = NULL;
	char *pem = NULL;
	size_t size;

	cr_assert_eq(rsakey_private_to_pem(key, NULL, &pem, &size), CRYPTO_OK);
	cr_assert_eq(rsakey_private_from_pem(pem, size, NULL, &copy), CRYPTO_OK);
	secret_free(pem, size + 1);
	return copy;
}

static void setup(void)
{
	cr_assert_eq(rsakey_generate(2048, &kek), CRYPTO_OK);
	kek_for_ring = copy_of(kek);
	cr_assert_eq(keyring_new(rsakey_private_public(kek), STORE_ID, true, &ring), CORE_OK);
	cr_assert(keyring_sealed(ring));
}

static void teardown(void)
{
	keyring_free(ring);
	rsakey_private_free(kek);
}

static void unseal(void)
{
	cr_assert_eq(keyring_unseal(ring, kek_for_ring), CORE_OK);
	cr_assert_not(keyring_sealed(ring));
}

TestSuite(keyring, .init = setup, .fini = teardown, .timeout = 60);

Test(keyring, sealed_it_unwraps_nothing_and_makes_no_epoch)
{
	uint8_t wrap[256], epoch_wrap[KEYRING_EPOCH_WRAP_SIZE] = {7};
	struct dek dek, opened;

	cr_assert_eq(dek_generate(&dek), CRYPTO_OK);
	cr_assert_eq(dek_wrap(rsakey_private_public(kek), &CONTEXT, &dek, wrap), CRYPTO_OK);
	cr_assert_eq(keyring_dek_unwrap(ring, &CONTEXT, wrap, sizeof(wrap), &opened), CORE_SEALED);
	cr_assert_eq(keyring_epoch_make(ring, EPOCH, wrap), CORE_SEALED);
	cr_assert_eq(keyring_epoch_load(ring, EPOCH, wrap, sizeof(wrap)), CORE_SEALED);
	cr_assert_eq(keyring_epoch_unwrap(ring, &CONTEXT, epoch_wrap, &opened), CORE_SEALED);
	cr_assert_not(keyring_epoch_wrap(ring, &CONTEXT, &dek, epoch_wrap));
	rsakey_private_free(kek_for_ring);
}

Test(keyring, another_kek_does_not_unseal)
{
	struct rsakey_private *other = NULL;

	cr_assert_eq(rsakey_generate(2048, &other), CRYPTO_OK);
	cr_assert_eq(keyring_unseal(ring, other), CORE_DAMAGED);
	cr_assert(keyring_sealed(ring));
	unseal();
}

Test(keyring, sealing_takes_the_epochs_away)
{
	uint8_t key_wrap[256], wrap[KEYRING_EPOCH_WRAP_SIZE];
	struct dek dek, opened;
	uint8_t used[16];

	unseal();
	cr_assert_eq(dek_generate(&dek), CRYPTO_OK);
	cr_assert_eq(keyring_epoch_make(ring, EPOCH, key_wrap), CORE_OK);
	cr_assert_not(keyring_epoch_wrap(ring, &CONTEXT, &dek, wrap), "none is in use yet");
	keyring_epoch_use(ring, EPOCH, 2);
	cr_assert(keyring_epoch_wrap(ring, &CONTEXT, &dek, wrap));
	cr_assert_eq(keyring_epoch_unwrap(ring, &CONTEXT, wrap, &opened), CORE_OK);
	cr_assert_arr_eq(opened.b, dek.b, sizeof(dek.b));
	keyring_seal(ring);
	cr_assert_eq(keyring_epoch_unwrap(ring, &CONTEXT, wrap, &opened), CORE_SEALED);
	cr_assert_not(keyring_epoch_loaded(ring, EPOCH));
	cr_assert_eq(keyring_epoch_left(ring, used), 0);
	cr_assert_eq(keyring_unseal(ring, copy_of(kek)), CORE_OK);
	cr_assert_eq(keyring_epoch_unwrap(ring, &CONTEXT, wrap, &opened), CORE_NOT_FOUND);
	cr_assert_eq(keyring_epoch_load(ring, EPOCH, key_wrap, sizeof(key_wrap)), CORE_OK);
	cr_assert_eq(keyring_epoch_unwrap(ring, &CONTEXT, wrap, &opened), CORE_OK);
	wrap[40] ^= 1;
	cr_assert_eq(keyring_epoch_unwrap(ring, &CONTEXT, wrap, &opened), CORE_DAMAGED);
}

Test(keyring, no_more_wraps_than_were_reserved)
{
	uint8_t key_wrap[256], wrap[KEYRING_EPOCH_WRAP_SIZE], used[16];
	struct dek dek;

	unseal();
	cr_assert_eq(dek_generate(&dek), CRYPTO_OK);
	cr_assert_eq(keyring_epoch_make(ring, EPOCH, key_wrap), CORE_OK);
	keyring_epoch_use(ring, EPOCH, 3);
	for (int i = 0; i < 3; i++)
		cr_assert(keyring_epoch_wrap(ring, &CONTEXT, &dek, wrap));
	cr_assert_not(keyring_epoch_wrap(ring, &CONTEXT, &dek, wrap));
	cr_assert_eq(keyring_epoch_left(ring, used), 0);
	cr_assert_arr_eq(used, EPOCH, sizeof(used));
}

Test(keyring, epochs_past_the_bound_push_the_oldest_out)
{
	uint8_t key_wrap[256], id[16] = {0};

	unseal();
	for (unsigned i = 0; i <= KEYRING_EPOCHS_MAX; i++) {
		/* In no order of ids. */
		id[0] = (uint8_t)(i * 37);
		id[1] = (uint8_t)(i >> 8);
		id[2] = (uint8_t)i;
		cr_assert_eq(keyring_epoch_make(ring, id, key_wrap), CORE_OK);
		cr_assert(keyring_epoch_loaded(ring, id));
	}
	memset(id, 0, sizeof(id));
	cr_assert_not(keyring_epoch_loaded(ring, id), "the first");
	id[0] = 37;
	id[2] = 1;
	cr_assert(keyring_epoch_loaded(ring, id), "the second");
}

static _Atomic bool stop;
static _Atomic int wrong;
static uint8_t shared_wrap[KEYRING_EPOCH_WRAP_SIZE];
static struct dek shared_dek;

static void *read_on(void *arg)
{
	(void)arg;
	while (!stop) {
		struct dek opened;
		const enum core_status status = keyring_epoch_unwrap(ring, &CONTEXT, shared_wrap, &opened);

		if (status == CORE_OK ? memcmp(&opened, &shared_dek, sizeof(opened)) != 0
				      : status != CORE_SEALED && status != CORE_NOT_FOUND)
			wrong++;
	}
	return NULL;
}

Test(keyring, sealing_and_unsealing_go_on_beside_readers)
{
	uint8_t key_wrap[256];
	pthread_t threads[3];

	unseal();
	cr_assert_eq(dek_generate(&shared_dek), CRYPTO_OK);
	cr_assert_eq(keyring_epoch_make(ring, EPOCH, key_wrap), CORE_OK);
	keyring_epoch_use(ring, EPOCH, 1);
	cr_assert(keyring_epoch_wrap(ring, &CONTEXT, &shared_dek, shared_wrap));
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, read_on, NULL), 0);
	for (int i = 0; i < 50; i++) {
		keyring_seal(ring);
		cr_assert_eq(keyring_unseal(ring, copy_of(kek)), CORE_OK);
		cr_assert_eq(keyring_epoch_load(ring, EPOCH, key_wrap, sizeof(key_wrap)), CORE_OK);
	}
	stop = true;
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(wrong, 0);
}
