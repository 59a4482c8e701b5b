#include "crypto/eme.h"

#include <nettle/memxor.h>
#include <nettle/nettle-meta.h>
#include <nettle/pss-mgf1.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>

#include "crypto/secret.h"

/* Room for the state of either hash. */
union hash_state {
	struct sha1_ctx sha1;
	struct sha256_ctx sha256;
};

static const struct nettle_hash *hash_of(enum oaep_hash hash)
{
	return hash == OAEP_SHA1 ? &nettle_sha1 : &nettle_sha256;
}

size_t eme_hash_size(enum oaep_hash hash)
{
	return hash_of(hash)->digest_size;
}

static void hash_label(const struct eme_oaep *oaep, uint8_t ret_digest[static EME_HASH_MAX])
{
	const struct nettle_hash *hash = hash_of(oaep->hash);
	union hash_state state;

	hash->init(&state);
	if (oaep->label_size)
		hash->update(&state, oaep->label_size, oaep->label);
	hash->digest(&state, hash->digest_size, ret_digest);
}

/* Xors MGF1(seed) over `size` bytes at `bytes`, which are at most a modulus long. */
static void mask(enum oaep_hash which, const uint8_t *seed, size_t seed_size, uint8_t *bytes, size_t size)
{
	const struct nettle_hash *hash = hash_of(which);
	union hash_state state;
	uint8_t stream[RSAKEY_MAX_SIZE];

	hash->init(&state);
	hash->update(&state, seed_size, seed);
	pss_mgf1(&state, hash, size, stream);
	memxor(bytes, stream, size);
	secret_wipe(&state, sizeof(state));
	secret_wipe(stream, size);
}

/* em = 00 ‖ masked seed ‖ masked DB, and DB = lHash ‖ zeros ‖ 01 ‖ message. */
enum crypto_status eme_oaep_encode(const struct eme_oaep *oaep, const uint8_t *seed, const uint8_t *message,
				   size_t size, uint8_t *ret_em, size_t em_size)
{
	uint8_t label_hash[EME_HASH_MAX];
	size_t h = eme_hash_size(oaep->hash);

	if (em_size > RSAKEY_MAX_SIZE || em_size < 2 * h + 2 || size > em_size - 2 * h - 2)
		return CRYPTO_FORMAT;
	uint8_t *db = ret_em + 1 + h;
	size_t db_size = em_size - 1 - h;
	hash_label(oaep, label_hash);
	memset(ret_em, 0, em_size);
	memcpy(ret_em + 1, seed, h);
	memcpy(db, label_hash, h);
	db[db_size - size - 1] = 1;
	if (size)
		memcpy(db + db_size - size, message, size);
	mask(oaep->hash, ret_em + 1, h, db, db_size);
	mask(oaep->hash, db, db_size, ret_em + 1, h);
	return CRYPTO_OK;
}

/* All ones when the byte is zero, else none; no branch. */
static size_t is_zero(uint8_t byte)
{
	return (size_t)0 - (((size_t)byte - 1) >> (8 * sizeof(size_t) - 1));
}

/*
 * CONSTANT TIME from here to the return: em is what RSA decrypted, and whoever learns which check failed can decrypt
 * with it (Manger 2001). Every byte is looked at whatever the others hold, and the verdict is one word.
 */
bool eme_oaep_unmask(const struct eme_oaep *oaep, uint8_t *em, size_t em_size, size_t *ret_start)
{
	uint8_t label_hash[EME_HASH_MAX];
	size_t h = eme_hash_size(oaep->hash);
	uint8_t *db = em + 1 + h;
	size_t db_size = em_size - 1 - h;

	hash_label(oaep, label_hash);
	mask(oaep->hash, db, db_size, em + 1, h);
	mask(oaep->hash, em + 1, h, db, db_size);

	uint8_t wrong = em[0];
	for (size_t i = 0; i < h; i++)
		wrong |= (uint8_t)(db[i] ^ label_hash[i]);

	size_t searching = SIZE_MAX; /* all ones until the 01 that ends the padding */
	size_t start = em_size;
	for (size_t i = h; i < db_size; i++) {
		size_t zero = is_zero(db[i]);
		size_t one = is_zero(db[i] ^ 1);
		size_t found = searching & one;
		start = (found & (1 + h + i + 1)) | (~found & start);
		wrong |= (uint8_t)(searching & ~zero & ~one);
		searching &= ~one;
	}
	wrong |= (uint8_t)searching; /* no 01 at all */

	size_t good = is_zero(wrong);
	*ret_start = (good & start) | (~good & em_size);
	return (bool)(good & 1);
}

enum crypto_status eme_oaep_decode(const struct eme_oaep *oaep, uint8_t *em, size_t em_size, uint8_t *ret_message,
				   size_t *ret_size)
{
	size_t h = eme_hash_size(oaep->hash);
	size_t start;

	if (em_size > RSAKEY_MAX_SIZE || em_size < 2 * h + 2)
		return CRYPTO_AUTH;
	if (!eme_oaep_unmask(oaep, em, em_size, &start)) {
		secret_wipe(ret_message, em_size - 2 * h - 2);
		return CRYPTO_AUTH;
	}
	if (start < em_size)
		memcpy(ret_message, em + start, em_size - start);
	*ret_size = em_size - start;
	return CRYPTO_OK;
}
