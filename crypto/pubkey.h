/*
 * Public RSA keys as other people send them: PEM in its three usual forms, or bare numbers. What is refused is refused
 * for one reason of a closed list, which the tool and the server pass on. The fingerprint of what is accepted is
 * rsakey_public_id(), whatever form it came in.
 */
#ifndef COFFER_CRYPTO_PUBKEY_H
#define COFFER_CRYPTO_PUBKEY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/rsakey.h"
#include "crypto/status.h"

enum {
	PUBKEY_PEM_MAX = 65536, /* bytes of PEM text that are looked at */
};

enum pubkey_verdict {
	PUBKEY_OK = 0,
	PUBKEY_NOMEM,
	PUBKEY_MALFORMED,      /* not one PEM block of a public key or certificate, or its DER is wrong */
	PUBKEY_PRIVATE,	       /* a private key, where a public one belongs */
	PUBKEY_NOT_RSA,	       /* another algorithm, or RSA restricted to signatures */
	PUBKEY_MODULUS_SHORT,  /* below 2048 bits */
	PUBKEY_MODULUS_LONG,   /* above 8192 bits */
	PUBKEY_MODULUS_FACTOR, /* divisible by a prime below 2^16 */
	PUBKEY_EXPONENT_EVEN,
	PUBKEY_EXPONENT_SMALL, /* below 65537 */
	PUBKEY_EXPONENT_LARGE, /* 2^32 or more */
	PUBKEY_VERDICT_COUNT,
};

/* A lower-case phrase that says what is wrong; never NULL, and never anything of the key. */
const char *pubkey_verdict_text(enum pubkey_verdict verdict);

/*
 * One PEM block: SubjectPublicKeyInfo ("PUBLIC KEY", RFC 7468 §13), PKCS#1 ("RSA PUBLIC KEY", RFC 8017 §A.1.1) or an
 * X.509 certificate, of which only the key is looked at. A text that holds a private key is overwritten with zeros.
 */
MUST_CHECK enum pubkey_verdict pubkey_from_pem(char *pem, size_t size, struct rsakey_public **ret_key);

/* Big-endian octets of the modulus and of the exponent, as a JWK has them (RFC 7518 §6.3.1). */
MUST_CHECK enum pubkey_verdict pubkey_from_numbers(const uint8_t *n, size_t n_size, const uint8_t *e, size_t e_size,
						   struct rsakey_public **ret_key);

/* The SPKI as PEM, terminated; *ret_pem on the heap, for free(). CRYPTO_NOMEM. */
MUST_CHECK enum crypto_status pubkey_to_pem(const struct rsakey_public *key, char **ret_pem, size_t *ret_size);

#endif
