/*
 * Signatures beside sealed messages (FORMATS §4): RSA-PSS over a text that names the signer, the recipient and the
 * sealed bytes. They prove who sent these bytes to whom, not who wrote the plaintext.
 */
#ifndef COFFER_CRYPTO_SIGNATURE_H
#define COFFER_CRYPTO_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/rsakey.h"
#include "crypto/status.h"

/* The first line, three lines of 64 hexadecimal digits, and a terminator. */
enum { SIGNATURE_TEXT_SIZE = sizeof("coffer-message-v1\n") + 3 * (2 * DIGEST_SIZE + 1) };

/* The text that is signed, terminated; digest: SHA-256 of the sealed bytes. */
void signature_text(const uint8_t signer[static DIGEST_SIZE], const uint8_t recipient[static DIGEST_SIZE],
		    const uint8_t digest[static DIGEST_SIZE], char ret_text[static SIGNATURE_TEXT_SIZE]);

/* ret_signature: as many bytes as the signer's modulus. CRYPTO_NOMEM, CRYPTO_RANDOM, CRYPTO_KEY as pss_sign(). */
MUST_CHECK enum crypto_status signature_make(const struct rsakey_private *signer, const struct rsakey_public *recipient,
					     const void *sealed, size_t size, uint8_t *ret_signature);

/* CRYPTO_AUTH when it is not by that signer, for that recipient, over these bytes. */
MUST_CHECK enum crypto_status signature_check(const struct rsakey_public *signer, const struct rsakey_public *recipient,
					      const void *sealed, size_t size, const uint8_t *signature,
					      size_t signature_size);

#endif
