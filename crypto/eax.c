#include "crypto/eax.h"

#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/ctr.h>
#include <nettle/nettle-meta.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

enum {
	BLOCK = AES_BLOCK_SIZE,
	MAC_PIECE = 4096, /* CBC has to write its ciphertext somewhere, though only the last block counts */
};

/* The t of the paper's OMAC^t: one MAC for three purposes. */
enum tweak {
	TWEAK_NONCE,
	TWEAK_HEADER,
	TWEAK_CIPHERTEXT,
	TWEAK_COUNT,
};

typedef void cbc_function(const struct eax_key *key, uint8_t *iv, size_t size, uint8_t *dst, const uint8_t *src);

/* Written by make() only. */
struct eax_key {
	bool locked; /* in secret_alloc()'s memory */
	const struct nettle_cipher *cipher;
	cbc_function *cbc;
	union {
		struct aes128_ctx aes128;
		struct aes192_ctx aes192;
		struct aes256_ctx aes256;
	} schedule;
	uint8_t last_full[BLOCK];	     /* the paper's B = 2L: xored into a last block that is complete */
	uint8_t last_padded[BLOCK];	     /* P = 4L: into one that had to be padded */
	uint8_t start[TWEAK_COUNT][BLOCK];   /* the chaining value once the tweak's own block is in */
	uint8_t nothing[TWEAK_COUNT][BLOCK]; /* the whole OMAC of an empty string */
};

static void cbc_128(const struct eax_key *key, uint8_t *iv, size_t size, uint8_t *dst, const uint8_t *src)
{
	cbc_aes128_encrypt(&key->schedule.aes128, iv, size, dst, src);
}

static void cbc_192(const struct eax_key *key, uint8_t *iv, size_t size, uint8_t *dst, const uint8_t *src)
{
	cbc_aes192_encrypt(&key->schedule.aes192, iv, size, dst, src);
}

static void cbc_256(const struct eax_key *key, uint8_t *iv, size_t size, uint8_t *dst, const uint8_t *src)
{
	cbc_aes256_encrypt(&key->schedule.aes256, iv, size, dst, src);
}

static void xor_block(uint8_t block[static BLOCK], const uint8_t other[static BLOCK])
{
	for (size_t i = 0; i < BLOCK; i++)
		block[i] ^= other[i];
}

/* Times x in GF(2^128), without branching on the secret top bit. */
static void double_block(uint8_t result[static BLOCK], const uint8_t block[static BLOCK])
{
	uint8_t reduce = (uint8_t)(0x87 & -(block[0] >> 7));

	for (size_t i = 0; i < BLOCK - 1; i++)
		result[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
	result[BLOCK - 1] = (uint8_t)(block[BLOCK - 1] << 1 ^ reduce);
}

static void encrypt_block(const struct eax_key *key, uint8_t block[static BLOCK])
{
	key->cipher->encrypt(&key->schedule, BLOCK, block, block);
}

static void derive_subkeys(struct eax_key *key)
{
	uint8_t l[BLOCK] = {0};

	encrypt_block(key, l);
	double_block(key->last_full, l);
	double_block(key->last_padded, key->last_full);
	secret_wipe(l, sizeof(l));
	for (uint8_t tweak = 0; tweak < TWEAK_COUNT; tweak++) {
		key->start[tweak][BLOCK - 1] = tweak;
		encrypt_block(key, key->start[tweak]);
		key->nothing[tweak][BLOCK - 1] = tweak;
		xor_block(key->nothing[tweak], key->last_full);
		encrypt_block(key, key->nothing[tweak]);
	}
}

static enum crypto_status make(const uint8_t *key, size_t key_size, bool locked, struct eax_key **ret_key)
{
	if (key_size != 16 && key_size != 24 && key_size != 32)
		return CRYPTO_KEY;
	struct eax_key *made = locked ? secret_alloc(sizeof(*made)) : calloc(1, sizeof(*made));
	if (!made)
		return CRYPTO_NOMEM;
	made->locked = locked;
	made->cipher = key_size == 16 ? &nettle_aes128 : key_size == 24 ? &nettle_aes192 : &nettle_aes256;
	made->cbc = key_size == 16 ? cbc_128 : key_size == 24 ? cbc_192 : cbc_256;
	made->cipher->set_encrypt_key(&made->schedule, key);
	derive_subkeys(made);
	*ret_key = made;
	return CRYPTO_OK;
}

enum crypto_status eax_key_new(const uint8_t *key, size_t key_size, struct eax_key **ret_key)
{
	return make(key, key_size, false, ret_key);
}

enum crypto_status eax_key_new_locked(const uint8_t *key, size_t key_size, struct eax_key **ret_key)
{
	return make(key, key_size, true, ret_key);
}

void eax_key_free(struct eax_key *key)
{
	if (!key)
		return;
	if (key->locked) {
		secret_free(key, sizeof(*key));
		return;
	}
	secret_wipe(key, sizeof(*key));
	free(key);
}

/* Feeds whole blocks into a CBC-MAC. */
static void absorb(const struct eax_key *key, uint8_t chain[static BLOCK], const uint8_t *bytes, size_t size)
{
	uint8_t scratch[MAC_PIECE];
	size_t used = size < MAC_PIECE ? size : MAC_PIECE;

	while (size > 0) {
		size_t piece = size < MAC_PIECE ? size : MAC_PIECE;
		key->cbc(key, chain, piece, scratch, bytes);
		bytes += piece;
		size -= piece;
	}
	secret_wipe(scratch, used);
}

static void omac(const struct eax_key *key, enum tweak tweak, const uint8_t *bytes, size_t size,
		 uint8_t ret_mac[static BLOCK])
{
	uint8_t last[BLOCK] = {0};

	if (size == 0) {
		memcpy(ret_mac, key->nothing[tweak], BLOCK);
		return;
	}
	size_t head = (size - 1) / BLOCK * BLOCK;
	size_t tail = size - head;
	memcpy(ret_mac, key->start[tweak], BLOCK);
	absorb(key, ret_mac, bytes, head);
	memcpy(last, bytes + head, tail);
	if (tail < BLOCK)
		last[tail] = 0x80;
	xor_block(last, tail < BLOCK ? key->last_padded : key->last_full);
	xor_block(ret_mac, last);
	encrypt_block(key, ret_mac);
	secret_wipe(last, sizeof(last));
}

void eax_header_init(const struct eax_key *key, const void *header, size_t header_size, struct eax_header *ret_header)
{
	omac(key, TWEAK_HEADER, header, header_size, ret_header->omac);
}

/* CTR from the nonce's OMAC, which is also the key stream's starting counter. */
static void crypt(const struct eax_key *key, const uint8_t nonce_mac[static BLOCK], const uint8_t *src, size_t size,
		  uint8_t *dst)
{
	uint8_t counter[BLOCK];

	if (size == 0)
		return;
	memcpy(counter, nonce_mac, BLOCK);
	ctr_crypt(&key->schedule, key->cipher->encrypt, BLOCK, counter, size, dst, src);
}

static void compute_tag(const struct eax_key *key, const struct eax_header *header,
			const uint8_t nonce_mac[static BLOCK], const uint8_t *ciphertext, size_t size,
			uint8_t ret_tag[static EAX_TAG_SIZE])
{
	omac(key, TWEAK_CIPHERTEXT, ciphertext, size, ret_tag);
	xor_block(ret_tag, nonce_mac);
	xor_block(ret_tag, header->omac);
}

void eax_seal(const struct eax_key *key, const struct eax_header *header, const void *nonce, size_t nonce_size,
	      const uint8_t *plaintext, size_t size, uint8_t ret_tag[static EAX_TAG_SIZE], uint8_t *ret_ciphertext)
{
	uint8_t nonce_mac[BLOCK];

	omac(key, TWEAK_NONCE, nonce, nonce_size, nonce_mac);
	crypt(key, nonce_mac, plaintext, size, ret_ciphertext);
	compute_tag(key, header, nonce_mac, ret_ciphertext, size, ret_tag);
	secret_wipe(nonce_mac, sizeof(nonce_mac));
}

enum crypto_status eax_open(const struct eax_key *key, const struct eax_header *header, const void *nonce,
			    size_t nonce_size, const uint8_t tag[static EAX_TAG_SIZE], const uint8_t *ciphertext,
			    size_t size, uint8_t *ret_plaintext)
{
	uint8_t nonce_mac[BLOCK];
	uint8_t expected[EAX_TAG_SIZE];

	omac(key, TWEAK_NONCE, nonce, nonce_size, nonce_mac);
	compute_tag(key, header, nonce_mac, ciphertext, size, expected);
	bool genuine = secret_equal(expected, tag, EAX_TAG_SIZE);
	if (genuine)
		crypt(key, nonce_mac, ciphertext, size, ret_plaintext);
	secret_wipe(nonce_mac, sizeof(nonce_mac));
	secret_wipe(expected, sizeof(expected));
	return genuine ? CRYPTO_OK : CRYPTO_AUTH;
}
