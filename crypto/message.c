#include "crypto/message.h"

#include <stdbool.h>
#include <string.h>

#include "crypto/eax.h"
#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/secret.h"

enum { SEAL_KEY_SIZE = 16 };

void message_key_wipe(struct message_key *key)
{
	secret_wipe(key, sizeof(*key));
}

size_t message_overhead(const struct rsakey_public *recipient)
{
	return rsakey_public_size(recipient) + MESSAGE_NONCE_SIZE + MESSAGE_TAG_SIZE;
}

enum crypto_status message_seal(const struct rsakey_public *recipient, const uint8_t *plaintext, size_t size,
				uint8_t *ret_sealed, struct message_key *ret_key)
{
	uint8_t *const nonce = ret_sealed + rsakey_public_size(recipient);
	uint8_t *const tag = nonce + MESSAGE_NONCE_SIZE;
	struct message_key key = {.size = SEAL_KEY_SIZE};
	struct eax_key *eax = NULL;
	struct eax_header header;

	enum crypto_status status = random_key(key.b, key.size);
	if (status == CRYPTO_OK)
		status = random_nonce(nonce, MESSAGE_NONCE_SIZE);
	if (status == CRYPTO_OK)
		status = oaep_encrypt(recipient, OAEP_SHA1, "", 0, key.b, key.size, ret_sealed);
	if (status == CRYPTO_OK)
		status = eax_key_new(key.b, key.size, &eax);
	if (status != CRYPTO_OK)
		goto out;
	eax_header_init(eax, "", 0, &header);
	eax_seal(eax, &header, nonce, MESSAGE_NONCE_SIZE, plaintext, size, tag, tag + MESSAGE_TAG_SIZE);
	if (ret_key)
		*ret_key = key;
out:
	eax_key_free(eax);
	message_key_wipe(&key);
	return status;
}

/*
 * The AES key out of the wrap, or a random one, with which no tag verifies: whoever could tell a wrong wrap from a
 * wrong tag would have Manger's oracle. *ret_good says which it is; other statuses say nothing of the message.
 */
static enum crypto_status unwrap(const struct rsakey_private *recipient, const uint8_t *wrap, size_t k,
				 struct message_key *ret_key, bool *ret_good)
{
	uint8_t content[RSAKEY_MAX_SIZE];
	struct message_key decoy = {.size = SEAL_KEY_SIZE};
	size_t size = 0;

	enum crypto_status status = random_key(decoy.b, decoy.size);
	if (status != CRYPTO_OK)
		return status;
	status = oaep_decrypt(recipient, OAEP_SHA1, "", 0, wrap, k, content, &size);
	const bool good = status == CRYPTO_OK && (size == 16 || size == 24 || size == 32);
	*ret_key = decoy;
	if (good) {
		memcpy(ret_key->b, content, size);
		ret_key->size = size;
	}
	*ret_good = good;
	secret_wipe(content, sizeof(content));
	message_key_wipe(&decoy);
	return status == CRYPTO_AUTH ? CRYPTO_OK : status;
}

enum crypto_status message_open(const struct rsakey_private *recipient, const uint8_t *sealed, size_t size,
				uint8_t *ret_plaintext, size_t *ret_size, struct message_key *ret_key)
{
	const size_t k = rsakey_public_size(rsakey_private_public(recipient));
	const size_t overhead = message_overhead(rsakey_private_public(recipient));
	struct message_key key = {.size = 0};
	struct eax_key *eax = NULL;
	struct eax_header header;
	bool good = false;

	if (size < overhead)
		return CRYPTO_AUTH;
	const uint8_t *const nonce = sealed + k;
	const uint8_t *const tag = nonce + MESSAGE_NONCE_SIZE;
	enum crypto_status status = unwrap(recipient, sealed, k, &key, &good);
	if (status == CRYPTO_OK)
		status = eax_key_new(key.b, key.size, &eax);
	if (status != CRYPTO_OK)
		goto out;
	eax_header_init(eax, "", 0, &header);
	status = eax_open(eax, &header, nonce, MESSAGE_NONCE_SIZE, tag, sealed + overhead, size - overhead,
			  ret_plaintext);
	if (status != CRYPTO_OK)
		goto out;
	if (!good) { /* a tag guessed against the random key: not in this universe, but then it must not count */
		secret_wipe(ret_plaintext, size - overhead);
		status = CRYPTO_AUTH;
		goto out;
	}
	*ret_size = size - overhead;
	if (ret_key)
		*ret_key = key;
out:
	eax_key_free(eax);
	message_key_wipe(&key);
	return status;
}
