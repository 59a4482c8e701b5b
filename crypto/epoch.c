#include "crypto/epoch.h"

#include <string.h>

#include "crypto/eax.h"
#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

static const char KEY_LABEL[] = "coffer-epoch-key-v1";
static const char WRAP_HEADER[] = "coffer-epoch-v1";

enum {
	KEY_SIZE = 32,
	LABEL_SIZE = sizeof(KEY_LABEL) - 1 + 16 + 16,
	HEADER_SIZE = 2 + sizeof(WRAP_HEADER) - 1 + 32 + 16 + RECORD_CONTEXT_SIZE,
};

struct epoch_key {
	uint8_t b[KEY_SIZE];
	struct eax_key *eax; /* in locked memory too */
};

static enum crypto_status key_schedule(struct epoch_key *key)
{
	return eax_key_new_locked(key->b, sizeof(key->b), &key->eax);
}

enum crypto_status epoch_key_generate(struct epoch_key **ret_key)
{
	struct epoch_key *key = secret_alloc(sizeof(*key));
	enum crypto_status status;

	if (!key)
		return CRYPTO_NOMEM;
	status = random_key(key->b, sizeof(key->b));
	if (status == CRYPTO_OK)
		status = key_schedule(key);
	if (status != CRYPTO_OK) {
		epoch_key_free(key);
		return status;
	}
	*ret_key = key;
	return CRYPTO_OK;
}

void epoch_key_free(struct epoch_key *key)
{
	if (!key)
		return;
	eax_key_free(key->eax);
	secret_free(key, sizeof(*key));
}

/* ---- the key itself, under the KEK ------------------------------------------------------------------------------ */

static void key_label(const uint8_t store_id[static 16], const uint8_t epoch_id[static 16],
		      uint8_t ret_label[static LABEL_SIZE])
{
	struct wire_out out;

	wire_out_init(&out, ret_label, LABEL_SIZE);
	wire_put_bytes(&out, KEY_LABEL, sizeof(KEY_LABEL) - 1);
	wire_put_bytes(&out, store_id, 16);
	wire_put_bytes(&out, epoch_id, 16);
}

enum crypto_status epoch_key_wrap(const struct rsakey_public *kek, const uint8_t store_id[static 16],
				  const uint8_t epoch_id[static 16], const struct epoch_key *key, uint8_t *ret_wrap)
{
	uint8_t label[LABEL_SIZE];

	key_label(store_id, epoch_id, label);
	return oaep_encrypt(kek, OAEP_SHA256, label, sizeof(label), key->b, sizeof(key->b), ret_wrap);
}

enum crypto_status epoch_key_unwrap(const struct rsakey_private *kek, const uint8_t store_id[static 16],
				    const uint8_t epoch_id[static 16], const uint8_t *wrap, size_t wrap_size,
				    struct epoch_key **ret_key)
{
	uint8_t label[LABEL_SIZE];
	uint8_t message[RSAKEY_MAX_SIZE];
	struct epoch_key *key = secret_alloc(sizeof(*key));
	size_t size = 0;
	enum crypto_status status;

	if (!key)
		return CRYPTO_NOMEM;
	key_label(store_id, epoch_id, label);
	status = oaep_decrypt(kek, OAEP_SHA256, label, sizeof(label), wrap, wrap_size, message, &size);
	if (status == CRYPTO_OK && size != sizeof(key->b))
		status = CRYPTO_AUTH;
	if (status == CRYPTO_OK) {
		memcpy(key->b, message, sizeof(key->b));
		status = key_schedule(key);
	}
	secret_wipe(message, sizeof(message));
	if (status != CRYPTO_OK) {
		epoch_key_free(key);
		return status;
	}
	*ret_key = key;
	return CRYPTO_OK;
}

/* ---- DEKs under the key ----------------------------------------------------------------------------------------- */

static void wrap_header(const struct epoch_key *key, const struct epoch_name *name,
			const struct record_context *context, struct eax_header *ret_header)
{
	uint8_t bytes[HEADER_SIZE];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, WRAP_HEADER);
	wire_put_bytes(&out, name->kek_id, sizeof(name->kek_id));
	wire_put_bytes(&out, name->epoch_id, sizeof(name->epoch_id));
	record_context_put(&out, context);
	eax_header_init(key->eax, bytes, out.used, ret_header);
}

enum crypto_status epoch_dek_wrap(const struct epoch_key *key, const struct epoch_name *name,
				  const struct record_context *context, const struct dek *dek,
				  uint8_t ret_wrap[static EPOCH_WRAP_SIZE])
{
	struct eax_header header;
	uint8_t *tag = ret_wrap + EPOCH_NONCE_SIZE;
	enum crypto_status status;

	if (context->suite != RECORD_SUITE_1)
		return CRYPTO_FORMAT;
	status = random_nonce(ret_wrap, EPOCH_NONCE_SIZE);
	if (status != CRYPTO_OK)
		return status;
	wrap_header(key, name, context, &header);
	eax_seal(key->eax, &header, ret_wrap, EPOCH_NONCE_SIZE, dek->b, sizeof(dek->b), tag, tag + EAX_TAG_SIZE);
	return CRYPTO_OK;
}

enum crypto_status epoch_dek_unwrap(const struct epoch_key *key, const struct epoch_name *name,
				    const struct record_context *context, const uint8_t wrap[static EPOCH_WRAP_SIZE],
				    struct dek *ret_dek)
{
	struct eax_header header;
	const uint8_t *tag = wrap + EPOCH_NONCE_SIZE;

	if (context->suite != RECORD_SUITE_1)
		return CRYPTO_FORMAT;
	wrap_header(key, name, context, &header);
	return eax_open(key->eax, &header, wrap, EPOCH_NONCE_SIZE, tag, tag + EAX_TAG_SIZE, sizeof(ret_dek->b),
			ret_dek->b);
}
