/* The server's Ed25519 identity key (RFC 8032): signs checkpoints and receipts. Immutable, thread-safe. */
#ifndef COFFER_CRYPTO_IDENTITY_H
#define COFFER_CRYPTO_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

enum {
	IDENTITY_PUBLIC_SIZE = 32,
	IDENTITY_SIGNATURE_SIZE = 64,
};

struct identity;

MUST_CHECK enum crypto_status identity_generate(struct identity **ret_identity);
/* PKCS#8 PEM (RFC 8410), unencrypted. Free with secret_free(*ret_pem, *ret_size + 1). */
MUST_CHECK enum crypto_status identity_to_pem(const struct identity *identity, char **ret_pem, size_t *ret_size);
MUST_CHECK enum crypto_status identity_from_pem(const char *pem, size_t size, struct identity **ret_identity);
void identity_public(const struct identity *identity, uint8_t ret_public[static IDENTITY_PUBLIC_SIZE]);
void identity_sign(const struct identity *identity, const void *message, size_t size,
		   uint8_t ret_signature[static IDENTITY_SIGNATURE_SIZE]);
/* CRYPTO_AUTH when the signature is not by that key over that message. */
MUST_CHECK enum crypto_status identity_verify(const uint8_t public_key[static IDENTITY_PUBLIC_SIZE],
					      const void *message, size_t size,
					      const uint8_t signature[static IDENTITY_SIGNATURE_SIZE]);
/* Wipes; NULL is accepted. */
void identity_free(struct identity *identity);

#endif
