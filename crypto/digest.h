/* SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869). No function here allocates but digest_new().
 */
#ifndef COFFER_CRYPTO_DIGEST_H
#define COFFER_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

enum { DIGEST_SIZE = 32 };

/* Incremental SHA-256. */
struct digest;

MUST_CHECK enum crypto_status digest_new(struct digest **ret_digest);
void digest_update(struct digest *digest, const void *bytes, size_t size);
/* Writes the digest and starts anew. */
void digest_finish(struct digest *digest, uint8_t ret_digest[static DIGEST_SIZE]);
/* Wipes; NULL is accepted. */
void digest_free(struct digest *digest);

/* One-shot SHA-256. */
void digest_sha256(const void *bytes, size_t size, uint8_t ret_digest[static DIGEST_SIZE]);

/* A key for HMAC-SHA256, made by mac_key_derive() for one purpose. */
struct mac_key {
	uint8_t b[32];
};

/* The root from which purposes are derived (FORMATS §1); it has no other use. */
struct store_key {
	uint8_t b[32];
};

/* HKDF-SHA256(ikm = store key, salt = store id, info = purpose, 32 bytes). purpose: one of FORMATS §1's strings. */
void mac_key_derive(const struct store_key *root, const uint8_t store_id[static 16], const char *purpose,
		    struct mac_key *ret_key);

/* HMAC-SHA256 over one string. */
void mac_compute(const struct mac_key *key, const void *bytes, size_t size, uint8_t ret_mac[static DIGEST_SIZE]);

/* Compares in constant time. CRYPTO_AUTH when it differs. */
MUST_CHECK enum crypto_status mac_verify(const struct mac_key *key, const void *bytes, size_t size,
					 const uint8_t mac[static DIGEST_SIZE]);

/* HKDF-SHA256, extract then expand (RFC 5869). ret_okm: okm_size bytes, at most 255 * 32. */
void hkdf_sha256(const void *ikm, size_t ikm_size, const void *salt, size_t salt_size, const void *info,
		 size_t info_size, void *ret_okm, size_t okm_size);

#endif
