/* Every function of crypto/ that allocates, with each of its allocations failing in turn. */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/eax.h"
#include "crypto/epoch.h"
#include "crypto/identity.h"
#include "crypto/message.h"
#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/record.h"
#include "crypto/rsakey.h"
#include "crypto/secret.h"
#include "crypto/session.h"
#include "crypto/signature.h"
#include "crypto/slot.h"
#include "tests/unit/support/nomem.h"

/* In sanitized builds: ends the program when something is not reachable any more. */
void __lsan_do_leak_check(void) __attribute__((weak));
/* Between them what is allocated does not count as leaked. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* Made once: what the operations work on. */
static struct {
	struct rsakey_private *key;
	char *pem, *locked_pem, *identity_pem;
	size_t pem_size, locked_size, identity_size;
	struct identity *identity;
	struct dek dek;
	struct record_context context;
	uint8_t commitment[RECORD_COMMITMENT_SIZE];
	uint8_t wrap[256], epoch_wrap[256];
	uint8_t sealed_chunk[100 + RECORD_TAG_SIZE], sealed_meta[10 + RECORD_TAG_SIZE];
	struct record_cipher *cipher;
} made;

static const char PASSPHRASE[] = "correct horse";
static const uint8_t PLAIN[100] = "what is sealed";
static const uint8_t NONCE[16] = {1, 2, 3};

static void make(void)
{
	struct epoch_key *epoch = NULL;

	made.context = (struct record_context){.suite = RECORD_SUITE_1, .version = 1};
	cr_assert_eq(rsakey_generate(2048, &made.key), CRYPTO_OK);
	cr_assert_eq(rsakey_private_to_pem(made.key, NULL, &made.pem, &made.pem_size), CRYPTO_OK);
	cr_assert_eq(rsakey_private_to_pem(made.key, PASSPHRASE, &made.locked_pem, &made.locked_size), CRYPTO_OK);
	cr_assert_eq(identity_generate(&made.identity), CRYPTO_OK);
	cr_assert_eq(identity_to_pem(made.identity, &made.identity_pem, &made.identity_size), CRYPTO_OK);
	cr_assert_eq(dek_generate(&made.dek), CRYPTO_OK);
	cr_assert_eq(record_cipher_new(&made.dek, &made.context, &made.cipher), CRYPTO_OK);
	record_cipher_commitment(made.cipher, made.commitment);
	cr_assert_eq(dek_wrap(rsakey_private_public(made.key), &made.context, &made.dek, made.wrap), CRYPTO_OK);
	cr_assert_eq(epoch_key_generate(&epoch), CRYPTO_OK);
	cr_assert_eq(epoch_key_wrap(rsakey_private_public(made.key), NONCE, NONCE, epoch, made.epoch_wrap), CRYPTO_OK);
	epoch_key_free(epoch);
	cr_assert_eq(record_chunk_seal(made.cipher, NONCE, 0, true, PLAIN, sizeof(PLAIN), made.sealed_chunk),
		     CRYPTO_OK);
	cr_assert_eq(record_meta_seal(made.cipher, NONCE, PLAIN, 10, made.sealed_meta), CRYPTO_OK);
}

static void unmake(void)
{
	record_cipher_free(made.cipher);
	secret_free(made.identity_pem, made.identity_size + 1);
	identity_free(made.identity);
	secret_free(made.locked_pem, made.locked_size + 1);
	secret_free(made.pem, made.pem_size + 1);
	rsakey_private_free(made.key);
	cr_assert_eq(nomem_live(), 0, "%ld blocks of coffer's own were not given back", nomem_live());
	if (__lsan_do_leak_check)
		__lsan_do_leak_check();
}

TestSuite(nomem_crypto, .init = make, .fini = unmake);

/* --- the operations: whether what came out is right goes to *ret_good; a failed one must leave `mark` in place --- */

/* An output that no function wrote. */
#define MARK(type) ((type *)(void *)&made)

static enum crypto_status op_digest(bool *ret_good)
{
	struct digest *digest = MARK(struct digest);
	const enum crypto_status status = digest_new(&digest);

	*ret_good = (digest == MARK(struct digest)) == (status != CRYPTO_OK);
	if (status == CRYPTO_OK)
		digest_free(digest);
	return status;
}

static enum crypto_status op_eax(bool *ret_good)
{
	struct eax_key *key = MARK(struct eax_key);
	const enum crypto_status status = eax_key_new(made.dek.b, sizeof(made.dek.b), &key);

	*ret_good = (key == MARK(struct eax_key)) == (status != CRYPTO_OK);
	if (status == CRYPTO_OK)
		eax_key_free(key);
	return status;
}

static bool opens(const struct record_cipher *cipher)
{
	uint8_t back[sizeof(PLAIN)];

	return record_chunk_open(cipher, NONCE, 0, true, made.sealed_chunk, sizeof(made.sealed_chunk), back) ==
		       CRYPTO_OK &&
	       memcmp(back, PLAIN, sizeof(PLAIN)) == 0;
}

static enum crypto_status judge_cipher(enum crypto_status status, struct record_cipher *cipher, bool *ret_good)
{
	if (status != CRYPTO_OK) {
		*ret_good = cipher == MARK(struct record_cipher);
		return status;
	}
	*ret_good = opens(cipher);
	record_cipher_free(cipher);
	return status;
}

static enum crypto_status op_cipher_new(bool *ret_good)
{
	struct record_cipher *cipher = MARK(struct record_cipher);
	const enum crypto_status status = record_cipher_new(&made.dek, &made.context, &cipher);

	return judge_cipher(status, cipher, ret_good);
}

static enum crypto_status op_cipher_open(bool *ret_good)
{
	struct record_cipher *cipher = MARK(struct record_cipher);
	const enum crypto_status status = record_cipher_open(&made.dek, &made.context, made.commitment, &cipher);

	return judge_cipher(status, cipher, ret_good);
}

static bool same_key(const struct rsakey_public *key)
{
	uint8_t id[DIGEST_SIZE], expected[DIGEST_SIZE];

	rsakey_public_id(key, id);
	rsakey_public_id(rsakey_private_public(made.key), expected);
	return memcmp(id, expected, sizeof(id)) == 0;
}

static enum crypto_status judge_private(enum crypto_status status, struct rsakey_private *key, bool *ret_good)
{
	if (status != CRYPTO_OK) {
		*ret_good = key == MARK(struct rsakey_private);
		return status;
	}
	*ret_good = same_key(rsakey_private_public(key));
	rsakey_private_free(key);
	return status;
}

static enum crypto_status op_key_load(bool *ret_good)
{
	struct rsakey_private *key = MARK(struct rsakey_private);
	const enum crypto_status status = rsakey_private_from_pem(made.pem, made.pem_size, NULL, &key);

	return judge_private(status, key, ret_good);
}

static enum crypto_status op_key_unlock(bool *ret_good)
{
	struct rsakey_private *key = MARK(struct rsakey_private);
	const enum crypto_status status = rsakey_private_from_pem(made.locked_pem, made.locked_size, PASSPHRASE, &key);

	return judge_private(status, key, ret_good);
}

static enum crypto_status op_key_generate(bool *ret_good)
{
	struct rsakey_private *key = MARK(struct rsakey_private);
	const enum crypto_status status = rsakey_generate(RSAKEY_MIN_BITS, &key);

	*ret_good = (key == MARK(struct rsakey_private)) == (status != CRYPTO_OK);
	if (status == CRYPTO_OK)
		rsakey_private_free(key);
	return status;
}

static enum crypto_status op_key_spki(bool *ret_good)
{
	struct rsakey_public *key = MARK(struct rsakey_public);
	size_t size;
	const uint8_t *spki = rsakey_public_spki(rsakey_private_public(made.key), &size);
	const enum crypto_status status = rsakey_public_from_spki(spki, size, &key);

	if (status != CRYPTO_OK) {
		*ret_good = key == MARK(struct rsakey_public);
		return status;
	}
	*ret_good = same_key(key);
	rsakey_public_free(key);
	return status;
}

static enum crypto_status judge_pem(enum crypto_status status, char *pem, size_t size, const char *head, bool *ret_good)
{
	if (status != CRYPTO_OK) {
		*ret_good = pem == MARK(char) && size == 77;
		return status;
	}
	*ret_good = strlen(pem) == size && strncmp(pem, head, strlen(head)) == 0;
	secret_free(pem, size + 1);
	return status;
}

static enum crypto_status op_key_save(bool *ret_good)
{
	char *pem = MARK(char);
	size_t size = 77;
	const enum crypto_status status = rsakey_private_to_pem(made.key, NULL, &pem, &size);

	return judge_pem(status, pem, size, "-----BEGIN PRIVATE KEY-----", ret_good);
}

static enum crypto_status op_key_lock(bool *ret_good)
{
	char *pem = MARK(char);
	size_t size = 77;
	const enum crypto_status status = rsakey_private_to_pem(made.key, PASSPHRASE, &pem, &size);

	return judge_pem(status, pem, size, "-----BEGIN ENCRYPTED PRIVATE KEY-----", ret_good);
}

static bool same_identity(const struct identity *identity)
{
	uint8_t key[IDENTITY_PUBLIC_SIZE], expected[IDENTITY_PUBLIC_SIZE];

	identity_public(identity, key);
	identity_public(made.identity, expected);
	return memcmp(key, expected, sizeof(key)) == 0;
}

static enum crypto_status op_identity_generate(bool *ret_good)
{
	struct identity *identity = MARK(struct identity);
	const enum crypto_status status = identity_generate(&identity);

	*ret_good = (identity == MARK(struct identity)) == (status != CRYPTO_OK);
	if (status == CRYPTO_OK)
		identity_free(identity);
	return status;
}

static enum crypto_status op_identity_load(bool *ret_good)
{
	struct identity *identity = MARK(struct identity);
	const enum crypto_status status = identity_from_pem(made.identity_pem, made.identity_size, &identity);

	if (status != CRYPTO_OK) {
		*ret_good = identity == MARK(struct identity);
		return status;
	}
	*ret_good = same_identity(identity);
	identity_free(identity);
	return status;
}

static enum crypto_status op_identity_save(bool *ret_good)
{
	char *pem = MARK(char);
	size_t size = 77;
	const enum crypto_status status = identity_to_pem(made.identity, &pem, &size);

	return judge_pem(status, pem, size, "-----BEGIN PRIVATE KEY-----", ret_good);
}

static enum crypto_status op_dek_wrap(bool *ret_good)
{
	uint8_t wrap[256];

	*ret_good = true;
	return dek_wrap(rsakey_private_public(made.key), &made.context, &made.dek, wrap);
}

static enum crypto_status op_dek_unwrap(bool *ret_good)
{
	struct dek dek = {{0}};
	const enum crypto_status status = dek_unwrap(made.key, &made.context, made.wrap, sizeof(made.wrap), &dek);

	*ret_good = status == CRYPTO_OK && memcmp(dek.b, made.dek.b, sizeof(dek.b)) == 0;
	return status;
}

static enum crypto_status op_oaep(bool *ret_good)
{
	static const uint8_t untouched[256];
	uint8_t sealed[256] = {0}, back[256];
	size_t size = 0;
	enum crypto_status status =
		oaep_encrypt(rsakey_private_public(made.key), OAEP_SHA1, NULL, 0, PLAIN, sizeof(PLAIN), sealed);

	if (status != CRYPTO_OK) {
		*ret_good = memcmp(sealed, untouched, sizeof(sealed)) == 0;
		return status;
	}
	status = oaep_decrypt(made.key, OAEP_SHA1, NULL, 0, sealed, sizeof(sealed), back, &size);
	*ret_good = status == CRYPTO_OK && size == sizeof(PLAIN) && memcmp(back, PLAIN, size) == 0;
	return status;
}

static enum crypto_status op_chunk(bool *ret_good)
{
	uint8_t sealed[sizeof(made.sealed_chunk)];
	const enum crypto_status status = record_chunk_seal(made.cipher, NONCE, 0, true, PLAIN, sizeof(PLAIN), sealed);

	*ret_good = opens(made.cipher) && memcmp(sealed, made.sealed_chunk, sizeof(sealed)) == 0;
	return status;
}

static enum crypto_status op_meta(bool *ret_good)
{
	uint8_t back[10];
	const enum crypto_status status =
		record_meta_open(made.cipher, NONCE, made.sealed_meta, sizeof(made.sealed_meta), back);

	*ret_good = memcmp(back, PLAIN, sizeof(back)) == 0;
	return status;
}

static enum crypto_status op_sign(bool *ret_good)
{
	uint8_t signature[IDENTITY_SIGNATURE_SIZE], key[IDENTITY_PUBLIC_SIZE];

	identity_sign(made.identity, PLAIN, sizeof(PLAIN), signature);
	identity_public(made.identity, key);
	*ret_good = true;
	return identity_verify(key, PLAIN, sizeof(PLAIN), signature);
}

/* Unwraps what the key wrapped, so that a key that came out wrong is noticed. */
static enum crypto_status judge_epoch(enum crypto_status status, struct epoch_key *key, bool *ret_good)
{
	static const struct epoch_name name;
	uint8_t wrap[EPOCH_WRAP_SIZE];
	struct dek back = {{0}};

	if (status != CRYPTO_OK) {
		*ret_good = key == MARK(struct epoch_key);
		return status;
	}
	*ret_good = epoch_dek_wrap(key, &name, &made.context, &made.dek, wrap) == CRYPTO_OK &&
		    epoch_dek_unwrap(key, &name, &made.context, wrap, &back) == CRYPTO_OK &&
		    memcmp(&back, &made.dek, sizeof(back)) == 0;
	epoch_key_free(key);
	return status;
}

static enum crypto_status op_epoch_generate(bool *ret_good)
{
	struct epoch_key *key = MARK(struct epoch_key);
	const enum crypto_status status = epoch_key_generate(&key);

	return judge_epoch(status, key, ret_good);
}

static enum crypto_status op_epoch_unwrap(bool *ret_good)
{
	struct epoch_key *key = MARK(struct epoch_key);
	const enum crypto_status status =
		epoch_key_unwrap(made.key, NONCE, NONCE, made.epoch_wrap, sizeof(made.epoch_wrap), &key);

	return judge_epoch(status, key, ret_good);
}

static enum crypto_status op_slot(bool *ret_good)
{
	static const struct unlock_key key = {{7}};
	uint8_t slot[SLOT_SIZE];
	struct unlock_key back = {{0}};
	enum crypto_status status =
		slot_seal(SLOT_PASSPHRASE, NONCE, PASSPHRASE, sizeof(PASSPHRASE) - 1, SLOT_ITERATIONS_MIN, &key, slot);

	*ret_good = true;
	if (status != CRYPTO_OK)
		return status;
	status = slot_open(SLOT_PASSPHRASE, NONCE, PASSPHRASE, sizeof(PASSPHRASE) - 1, slot, sizeof(slot), &back);
	*ret_good = status != CRYPTO_OK || memcmp(&back, &key, sizeof(key)) == 0;
	return status;
}

static enum crypto_status op_message(bool *ret_good)
{
	uint8_t sealed[256 + 32 + sizeof(PLAIN)], back[sizeof(PLAIN)] = {0};
	struct message_key key = {.size = 0}, opened = {.size = 0};
	size_t size = 77;
	enum crypto_status status = message_seal(rsakey_private_public(made.key), PLAIN, sizeof(PLAIN), sealed, &key);

	*ret_good = status == CRYPTO_OK || key.size == 0;
	if (status != CRYPTO_OK)
		return status;
	status = message_open(made.key, sealed, sizeof(sealed), back, &size, &opened);
	if (status == CRYPTO_OK)
		*ret_good = size == sizeof(PLAIN) && memcmp(back, PLAIN, size) == 0 &&
			    memcmp(&key, &opened, sizeof(key)) == 0;
	else
		*ret_good = size == 77 && back[0] == 0 && opened.size == 0;
	return status;
}

static enum crypto_status op_session(bool *ret_good)
{
	const struct session session = {.key = {.size = 16}};
	uint8_t sealed[SESSION_OVERHEAD + sizeof(PLAIN)], back[sizeof(PLAIN)] = {0};
	uint64_t counter = 77;
	enum crypto_status status = session_seal(&session, 5, PLAIN, sizeof(PLAIN), sealed);

	*ret_good = true;
	if (status != CRYPTO_OK)
		return status;
	status = session_open(&session, 4, sealed, sizeof(sealed), back, &counter);
	*ret_good = status == CRYPTO_OK ? counter == 5 && memcmp(back, PLAIN, sizeof(back)) == 0
					: counter == 77 && back[0] == 0;
	return status;
}

static enum crypto_status op_signature(bool *ret_good)
{
	const struct rsakey_public *public = rsakey_private_public(made.key);
	uint8_t signature[256];
	const enum crypto_status status = signature_make(made.key, public, PLAIN, sizeof(PLAIN), signature);

	*ret_good = true;
	return status == CRYPTO_OK ? signature_check(public, public, PLAIN, sizeof(PLAIN), signature, sizeof(signature))
				   : status;
}

struct operation {
	const char *name;
	enum crypto_status (*run)(bool *ret_good);
	size_t own; /* how often coffer's own code allocates in it: those that never do cannot fail for memory */
};

static const struct operation OPERATIONS[] = {
	{"digest_new", op_digest, 1},
	{"eax_key_new", op_eax, 1},
	{"record_cipher_new", op_cipher_new, 3},
	{"record_cipher_open", op_cipher_open, 3},
	{"rsakey_generate", op_key_generate, 6},
	{"rsakey_private_from_pem", op_key_load, 6},
	{"rsakey_private_from_pem with a passphrase", op_key_unlock, 6},
	{"rsakey_public_from_spki", op_key_spki, 4},
	{"rsakey_private_to_pem", op_key_save, 1},
	{"rsakey_private_to_pem with a passphrase", op_key_lock, 1},
	{"identity_generate", op_identity_generate, 1},
	{"identity_from_pem", op_identity_load, 1},
	{"identity_to_pem", op_identity_save, 1},
	{"epoch_key_generate", op_epoch_generate, 2},
	{"epoch_key_unwrap", op_epoch_unwrap, 2},
	{"slot_seal and slot_open", op_slot, 2},
	{"message_seal and message_open", op_message, 3},
	{"session_seal and session_open", op_session, 2},
	{"signature_make and signature_check", op_signature, 1},
	{"dek_wrap", op_dek_wrap, 1},
	{"dek_unwrap", op_dek_unwrap, 0},
	{"oaep_encrypt and oaep_decrypt", op_oaep, 1},
	{"record_chunk_seal and record_chunk_open", op_chunk, 0},
	{"record_meta_open", op_meta, 0},
	{"identity_sign and identity_verify", op_sign, 0},
};
enum { OPERATION_COUNT = sizeof(OPERATIONS) / sizeof(OPERATIONS[0]) };

/*
 * Runs with allocation n failing, for each n until none does; returns how many runs that took. A library may do
 * without what it could not get: the result is judged either way. told: a failure must be CRYPTO_NOMEM.
 */
static size_t starve(const struct operation *operation, enum nomem_mode mode, bool told)
{
	const long live = nomem_live();

	for (size_t n = 0;; n++) {
		bool good = false;

		cr_assert_lt(n, 1000, "%s: no end", operation->name);
		nomem_arm(n, mode);
		const enum crypto_status status = operation->run(&good);
		const bool starved = nomem_disarm();
		const char *text = crypto_status_text(status);

		cr_assert_eq(nomem_live(), live, "%s, allocation %zu: a leak", operation->name, n);
		cr_assert(good, "%s, allocation %zu (%s): wrong output", operation->name, n, text);
		if (!starved) {
			cr_assert_eq(status, CRYPTO_OK, "%s: %s", operation->name, text);
			return n;
		}
		if (told)
			cr_assert_eq(status, CRYPTO_NOMEM, "%s, allocation %zu: %s", operation->name, n, text);
	}
}

Test(nomem_crypto, each_own_allocation_that_fails_is_told_and_undone)
{
	for (size_t i = 0; i < OPERATION_COUNT; i++) {
		const size_t once = starve(&OPERATIONS[i], NOMEM_ONCE, true);

		cr_expect_eq(once, OPERATIONS[i].own, "%s allocates %zu times", OPERATIONS[i].name, once);
		cr_assert_eq(starve(&OPERATIONS[i], NOMEM_AFTER, true), once, "%s", OPERATIONS[i].name);
	}
}

/*
 * Inside GnuTLS most allocations that fail come out as another error (a number that cannot be read, a structure that
 * cannot be decoded), and some leak what GnuTLS had made until then: so here any error will do, and only coffer's own
 * memory is counted.
 */
Test(nomem_crypto, no_failing_allocation_of_gnutls_gives_a_wrong_result)
{
	size_t runs = 0;

	nomem_gnutls();
	if (__lsan_disable)
		__lsan_disable();
	for (size_t i = 0; i < OPERATION_COUNT; i++)
		/* Left out for their time: a key, or a passphrase stretched, for each of many allocations. */
		if (OPERATIONS[i].run != op_key_generate && OPERATIONS[i].run != op_key_lock)
			runs += starve(&OPERATIONS[i], NOMEM_ONCE, false);
	if (__lsan_enable)
		__lsan_enable();
	cr_assert_gt(runs, 100, "only %zu allocations: GnuTLS did not take part", runs);
}

/* More than a region, so that the arena has to grow: mmap, mlock and madvise in turn. */
Test(nomem_crypto, secrets_are_refused_when_pages_cannot_be_had_or_locked)
{
	enum { SIZE = 40000 };
	const long live = nomem_live();
	const long mapped = nomem_mapped();

	for (size_t n = 0; n < 4; n++) {
		nomem_arm(n, NOMEM_ONCE);
		cr_assert_null(secret_alloc(SIZE), "allocation %zu", n);
		cr_assert(nomem_disarm());
		cr_assert_eq(nomem_mapped(), mapped, "allocation %zu: pages leaked", n);
	}
	uint8_t *secret = secret_alloc(SIZE);
	cr_assert_not_null(secret);
	cr_assert_eq(nomem_mapped(), mapped + 1);
	for (size_t i = 0; i < SIZE; i++)
		cr_assert_eq(secret[i], 0);
	secret_free(secret, SIZE);
	cr_assert_eq(nomem_live(), live);
}
