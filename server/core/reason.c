#include "server/core/reason.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/eax.h"
#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"
#include "db/audit.h"
#include "server/core/keyring.h"
#include "server/core/printable.h"

enum { KEY_SIZE = 32, NONCE_SIZE = 16, KEK_ID_SIZE = 32, PURPOSE_MAX = 64 };

bool reason_is_good(const char *text)
{
	const size_t size = strlen(text);

	return size >= REASON_MIN && size <= REASON_MAX && !strpbrk(text, "\t\n") &&
	       printable_text((const uint8_t *)text, size);
}

static size_t purpose(const struct vault *vault, const uint8_t request_id[static 16],
		      uint8_t ret_bytes[static PURPOSE_MAX])
{
	struct wire_out out;

	wire_out_init(&out, ret_bytes, PURPOSE_MAX);
	wire_put_lp_text(&out, "coffer-audit-reason-v1");
	wire_put_bytes(&out, vault->store_id, sizeof(vault->store_id));
	wire_put_bytes(&out, request_id, 16);
	return out.used;
}

enum core_status reason_seal(const struct vault *vault, const uint8_t request_id[static 16], const char *text,
			     uint8_t **ret_sealed, size_t *ret_size)
{
	const size_t k = rsakey_public_size(vault->kek_public), size = strlen(text);
	const size_t total = KEK_ID_SIZE + k + NONCE_SIZE + EAX_TAG_SIZE + size;
	uint8_t key[KEY_SIZE], bound[PURPOSE_MAX], *sealed = malloc(total), *nonce;
	const size_t bound_size = purpose(vault, request_id, bound);
	struct eax_key *eax = NULL;
	struct eax_header header;
	enum crypto_status status = CRYPTO_NOMEM;

	if (sealed)
		status = random_key(key, sizeof(key));
	if (status == CRYPTO_OK)
		status = eax_key_new(key, sizeof(key), &eax);
	if (status == CRYPTO_OK)
		status = oaep_encrypt(vault->kek_public, OAEP_SHA256, bound, bound_size, key, sizeof(key),
				      sealed + KEK_ID_SIZE);
	nonce = sealed + KEK_ID_SIZE + k;
	if (status == CRYPTO_OK)
		status = random_nonce(nonce, NONCE_SIZE);
	if (status == CRYPTO_OK) {
		memcpy(sealed, vault->kek_id, KEK_ID_SIZE);
		eax_header_init(eax, bound, bound_size, &header);
		eax_seal(eax, &header, nonce, NONCE_SIZE, (const uint8_t *)text, size, nonce + NONCE_SIZE,
			 nonce + NONCE_SIZE + EAX_TAG_SIZE);
		*ret_sealed = sealed;
		*ret_size = total;
		sealed = NULL;
	}
	eax_key_free(eax);
	secret_wipe(key, sizeof(key));
	free(sealed);
	return core_from_crypto(status);
}

enum core_status reason_open(const struct vault *vault, const uint8_t request_id[static 16], const uint8_t *sealed,
			     size_t size, char ret_text[static REASON_MAX + 1])
{
	const size_t k = rsakey_public_size(vault->kek_public);
	const size_t before = KEK_ID_SIZE + k + NONCE_SIZE + EAX_TAG_SIZE;
	uint8_t key[RSAKEY_MAX_SIZE], bound[PURPOSE_MAX], text[REASON_MAX];
	const size_t bound_size = purpose(vault, request_id, bound);
	const uint8_t *nonce = sealed + KEK_ID_SIZE + k;
	struct eax_key *eax = NULL;
	struct eax_header header;
	enum core_status status;
	size_t key_size = 0;

	if (size < before || size - before > REASON_MAX || memcmp(sealed, vault->kek_id, KEK_ID_SIZE) != 0)
		return CORE_DAMAGED;
	status = keyring_oaep_decrypt(vault->ring, bound, bound_size, sealed + KEK_ID_SIZE, k, key, &key_size);
	if (status == CORE_OK)
		status = key_size == KEY_SIZE ? core_from_crypto(eax_key_new(key, key_size, &eax)) : CORE_DAMAGED;
	if (status == CORE_OK) {
		eax_header_init(eax, bound, bound_size, &header);
		status = core_from_crypto(eax_open(eax, &header, nonce, NONCE_SIZE, nonce + NONCE_SIZE, sealed + before,
						   size - before, text));
	}
	if (status == CORE_OK) {
		memcpy(ret_text, text, size - before);
		ret_text[size - before] = '\0';
		status = reason_is_good(ret_text) ? CORE_OK : CORE_DAMAGED;
	}
	eax_key_free(eax);
	secret_wipe(key, sizeof(key));
	return status;
}

enum core_status reason_read(struct store_view *view, uint64_t sequence, const uint8_t digest[static DIGEST_SIZE],
			     uint8_t **ret_sealed, size_t *ret_size)
{
	uint8_t found[DIGEST_SIZE];
	enum store_status status = store_audit_note_get(view, sequence, ret_sealed, ret_size);

	if (status != STORE_OK)
		return core_from_store(status);
	digest_sha256(*ret_sealed, *ret_size, found);
	if (memcmp(found, digest, sizeof(found)) == 0)
		return CORE_OK;
	free(*ret_sealed);
	*ret_sealed = NULL;
	return CORE_DAMAGED;
}
