#include "crypto/session.h"

#include <assert.h>
#include <string.h>

#include "crypto/eax.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

static const char PURPOSE[] = "coffer-session-v1";

enum { HEADER_SIZE = sizeof(PURPOSE) - 1 + 3 * DIGEST_SIZE + 8 };

static enum crypto_status begin(const struct session *session, uint64_t counter, struct eax_key **ret_eax,
				struct eax_header *ret_header)
{
	uint8_t bytes[HEADER_SIZE];
	struct wire_out out;

	const enum crypto_status status = eax_key_new(session->key.b, session->key.size, ret_eax);
	if (status != CRYPTO_OK)
		return status;
	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_bytes(&out, PURPOSE, sizeof(PURPOSE) - 1);
	wire_put_bytes(&out, session->first, DIGEST_SIZE);
	wire_put_bytes(&out, session->sender, DIGEST_SIZE);
	wire_put_bytes(&out, session->recipient, DIGEST_SIZE);
	wire_put_u64(&out, counter);
	assert(!out.failed && out.used == sizeof(bytes));
	eax_header_init(*ret_eax, bytes, sizeof(bytes), ret_header);
	return CRYPTO_OK;
}

enum crypto_status session_seal(const struct session *session, uint64_t counter, const uint8_t *plaintext, size_t size,
				uint8_t *ret_sealed)
{
	uint8_t *const nonce = ret_sealed + 8;
	uint8_t *const tag = nonce + MESSAGE_NONCE_SIZE;
	struct eax_key *eax = NULL;
	struct eax_header header;
	struct wire_out out;

	if (counter == 0)
		return CRYPTO_FORMAT;
	enum crypto_status status = begin(session, counter, &eax, &header);
	if (status == CRYPTO_OK)
		status = random_nonce(nonce, MESSAGE_NONCE_SIZE);
	if (status != CRYPTO_OK)
		goto out;
	wire_out_init(&out, ret_sealed, 8);
	wire_put_u64(&out, counter);
	eax_seal(eax, &header, nonce, MESSAGE_NONCE_SIZE, plaintext, size, tag, tag + MESSAGE_TAG_SIZE);
out:
	eax_key_free(eax);
	return status;
}

enum crypto_status session_open(const struct session *session, uint64_t after, const uint8_t *sealed, size_t size,
				uint8_t *ret_plaintext, uint64_t *ret_counter)
{
	const uint8_t *const nonce = sealed + 8;
	const uint8_t *const tag = nonce + MESSAGE_NONCE_SIZE;
	struct eax_key *eax = NULL;
	struct eax_header header;
	struct wire_in in;
	uint64_t counter;

	if (size < SESSION_OVERHEAD)
		return CRYPTO_AUTH;
	wire_in_init(&in, sealed, 8);
	counter = wire_get_u64(&in);
	if (counter <= after)
		return CRYPTO_AUTH;
	enum crypto_status status = begin(session, counter, &eax, &header);
	if (status == CRYPTO_OK)
		status = eax_open(eax, &header, nonce, MESSAGE_NONCE_SIZE, tag, sealed + SESSION_OVERHEAD,
				  size - SESSION_OVERHEAD, ret_plaintext);
	if (status == CRYPTO_OK)
		*ret_counter = counter;
	eax_key_free(eax);
	return status;
}
