/*
 * RSAES-OAEP (RFC 8017 §7.1) with MGF1 over the same hash, over Nettle's blinded RSA. Decoding gives one verdict, in
 * constant time, for everything that can be wrong with an encoded message.
 */
#ifndef COFFER_CRYPTO_OAEP_H
#define COFFER_CRYPTO_OAEP_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/rsakey.h"
#include "crypto/status.h"

enum oaep_hash {
	OAEP_SHA1,   /* the default of PyCryptodome's PKCS1_OAEP, for sealed messages only */
	OAEP_SHA256, /* everything else */
};

/* The longest message that fits: modulus size - 2 * hash size - 2. */
size_t oaep_max_message(const struct rsakey_public *key, enum oaep_hash hash);

/* ret_ciphertext: rsakey_public_size(key) bytes. CRYPTO_FORMAT when the message is too long. */
MUST_CHECK enum crypto_status oaep_encrypt(const struct rsakey_public *key, enum oaep_hash hash, const void *label,
					   size_t label_size, const uint8_t *message, size_t size,
					   uint8_t *ret_ciphertext);

/*
 * ret_message: oaep_max_message() bytes; the message's length goes to *ret_size. ciphertext_size must be the modulus
 * size and the ciphertext below the modulus; that, a wrong label, padding or key: CRYPTO_AUTH, ret_message wiped.
 */
MUST_CHECK enum crypto_status oaep_decrypt(const struct rsakey_private *key, enum oaep_hash hash, const void *label,
					   size_t label_size, const uint8_t *ciphertext, size_t ciphertext_size,
					   uint8_t *ret_message, size_t *ret_size);

#endif
