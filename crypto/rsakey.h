/*
 * RSA keys: made by GnuTLS, used through Nettle. Accepted: moduli of 2048 to 8192 bits, 65537 <= e < 2^32, e odd.
 * Keys are immutable once made and may be used by several threads at once.
 */
#ifndef COFFER_CRYPTO_RSAKEY_H
#define COFFER_CRYPTO_RSAKEY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/status.h"

enum {
	RSAKEY_MIN_BITS = 2048,
	RSAKEY_MAX_BITS = 8192,
	RSAKEY_MAX_SIZE = RSAKEY_MAX_BITS / 8, /* bytes of the largest modulus */
};

struct rsakey_public;
struct rsakey_private;

/* A fresh key with e = 65537. Seconds at 4096 bits. CRYPTO_KEY when `bits` is not accepted. */
MUST_CHECK enum crypto_status rsakey_generate(unsigned bits, struct rsakey_private **ret_key);

/*
 * PKCS#8 (RFC 5958) PEM. passphrase NULL: unencrypted; else PBES2 with AES-256 (RFC 8018). The caller frees *ret_pem
 * with secret_free(*ret_pem, *ret_size + 1); it has a terminator beyond *ret_size.
 */
MUST_CHECK enum crypto_status rsakey_private_to_pem(const struct rsakey_private *key, const char *passphrase,
						    char **ret_pem, size_t *ret_size);

/*
 * PKCS#8, encrypted or not, or PKCS#1 PEM. CRYPTO_LOCKED: encrypted, and no passphrase or not this one.
 * CRYPTO_FORMAT: no such PEM. CRYPTO_KEY: not RSA, not accepted, or inconsistent.
 */
MUST_CHECK enum crypto_status rsakey_private_from_pem(const char *pem, size_t size, const char *passphrase,
						      struct rsakey_private **ret_key);

/* The public half, borrowed: it lives as long as `key`. */
const struct rsakey_public *rsakey_private_public(const struct rsakey_private *key);

/* DER SubjectPublicKeyInfo, rsaEncryption with NULL parameters (RFC 3279 §2.3.1). CRYPTO_FORMAT, CRYPTO_KEY. */
MUST_CHECK enum crypto_status rsakey_public_from_spki(const uint8_t *der, size_t size, struct rsakey_public **ret_key);

/*
 * From big-endian octets of the modulus and the exponent; leading zeros are ignored. CRYPTO_KEY: not accepted, without
 * saying why; pubkey.h says why.
 */
MUST_CHECK enum crypto_status rsakey_public_from_numbers(const uint8_t *n, size_t n_size, const uint8_t *e,
							 size_t e_size, struct rsakey_public **ret_key);

/* The key's DER SPKI, borrowed. */
const uint8_t *rsakey_public_spki(const struct rsakey_public *key, size_t *ret_size);

/* Modulus size in bytes: the size of every ciphertext and signature. */
size_t rsakey_public_size(const struct rsakey_public *key);

/* Modulus size in bits. */
unsigned rsakey_public_bits(const struct rsakey_public *key);

/* The modulus, big-endian; ret_n: rsakey_public_size() bytes. */
void rsakey_public_modulus(const struct rsakey_public *key, uint8_t *ret_n);

/* The public exponent; below 2^32. */
uint32_t rsakey_public_exponent(const struct rsakey_public *key);

/* SHA-256 of the SPKI: the KEK id, and the fingerprint of FORMATS §4. */
void rsakey_public_id(const struct rsakey_public *key, uint8_t ret_id[static DIGEST_SIZE]);

/* Both wipe; NULL is accepted. */
void rsakey_private_free(struct rsakey_private *key);
void rsakey_public_free(struct rsakey_public *key);

#endif
