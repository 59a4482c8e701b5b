/*
 * EME-OAEP (RFC 8017 §7.1.1 step 2, §7.1.2 step 3): the padding of RSAES-OAEP, on bytes, without RSA. Kept apart so
 * that the constant-time part can be tested by itself.
 */
#ifndef COFFER_CRYPTO_EME_H
#define COFFER_CRYPTO_EME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/oaep.h"
#include "crypto/status.h"

enum { EME_HASH_MAX = 32 }; /* bytes of the larger hash */

/* What an encoding is made with. */
struct eme_oaep {
	enum oaep_hash hash;
	const void *label;
	size_t label_size;
};

/* Bytes of the hash's digest. */
size_t eme_hash_size(enum oaep_hash hash);

/*
 * seed: eme_hash_size() random bytes. ret_em: em_size bytes, at least 2 * hash size + 2.
 * CRYPTO_FORMAT when the message does not fit.
 */
MUST_CHECK enum crypto_status eme_oaep_encode(const struct eme_oaep *oaep, const uint8_t *seed, const uint8_t *message,
					      size_t size, uint8_t *ret_em, size_t em_size);

/*
 * Constant time in em and in the label's hash. Unmasks em in place (em_size bytes, at least 2 * hash size + 2) and
 * judges all of it at once. True: the message is em[*ret_start] to the end. False: *ret_start = em_size.
 */
bool eme_oaep_unmask(const struct eme_oaep *oaep, uint8_t *em, size_t em_size, size_t *ret_start);

/*
 * eme_oaep_unmask(), then the message: em_size - 2 * hash size - 2 bytes of room at ret_message, its length to
 * *ret_size. CRYPTO_AUTH: not such an encoding; ret_message wiped. em is unmasked, so wipe it afterwards.
 */
MUST_CHECK enum crypto_status eme_oaep_decode(const struct eme_oaep *oaep, uint8_t *em, size_t em_size,
					      uint8_t *ret_message, size_t *ret_size);

#endif
