#include "crypto/signature.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/pss.h"

void signature_text(const uint8_t signer[static DIGEST_SIZE], const uint8_t recipient[static DIGEST_SIZE],
		    const uint8_t digest[static DIGEST_SIZE], char ret_text[static SIGNATURE_TEXT_SIZE])
{
	const uint8_t *const lines[] = {signer, recipient, digest};
	char *to = stpcpy(ret_text, "coffer-message-v1\n");

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		encode_hex(lines[i], DIGEST_SIZE, to);
		to = stpcpy(to + (size_t)2 * DIGEST_SIZE, "\n");
	}
}

static void text_of(const struct rsakey_public *signer, const struct rsakey_public *recipient, const void *sealed,
		    size_t size, char ret_text[static SIGNATURE_TEXT_SIZE])
{
	uint8_t from[DIGEST_SIZE], to[DIGEST_SIZE], digest[DIGEST_SIZE];

	rsakey_public_id(signer, from);
	rsakey_public_id(recipient, to);
	digest_sha256(sealed, size, digest);
	signature_text(from, to, digest, ret_text);
}

enum crypto_status signature_make(const struct rsakey_private *signer, const struct rsakey_public *recipient,
				  const void *sealed, size_t size, uint8_t *ret_signature)
{
	char text[SIGNATURE_TEXT_SIZE];

	text_of(rsakey_private_public(signer), recipient, sealed, size, text);
	return pss_sign(signer, text, sizeof(text) - 1, ret_signature);
}

enum crypto_status signature_check(const struct rsakey_public *signer, const struct rsakey_public *recipient,
				   const void *sealed, size_t size, const uint8_t *signature, size_t signature_size)
{
	char text[SIGNATURE_TEXT_SIZE];

	text_of(signer, recipient, sealed, size, text);
	return pss_verify(signer, text, sizeof(text) - 1, signature, signature_size);
}
