#include "crypto/slot.h"

#include <nettle/pbkdf2.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/eax.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

static const char MAGIC[] = "cofslot1";
static const char HEADER[] = "coffer-slot-v1";
static const char CREDENTIAL_INFO[] = "coffer-credential-v1";

enum {
	MAGIC_SIZE = sizeof(MAGIC) - 1,
	SALT_SIZE = 32,
	NONCE_SIZE = 16,
	PARAMETERS_SIZE = 1 + 4 + SALT_SIZE, /* kind, iterations, salt: authenticated */
	TAG_AT = MAGIC_SIZE + PARAMETERS_SIZE,
	KEY_AT = TAG_AT + EAX_TAG_SIZE,
};
_Static_assert(KEY_AT + sizeof(struct unlock_key) == SLOT_SIZE, "the table in the header");

struct parameters {
	uint8_t kind;
	uint32_t iterations;
	uint8_t salt[SALT_SIZE];
};

static bool plausible(const struct parameters *p, size_t secret_size)
{
	switch (p->kind) {
	case SLOT_PASSPHRASE:
		return secret_size > 0 && p->iterations >= SLOT_ITERATIONS_MIN && p->iterations <= SLOT_ITERATIONS_MAX;
	case SLOT_CREDENTIAL:
		return secret_size >= SLOT_CREDENTIAL_MIN && p->iterations == 0;
	default:
		return false;
	}
}

static enum crypto_status slot_cipher(const struct parameters *p, const void *secret, size_t secret_size,
				      struct eax_key **ret_key)
{
	uint8_t key[32];
	enum crypto_status status;

	if (p->kind == SLOT_PASSPHRASE)
		pbkdf2_hmac_sha256(secret_size, secret, p->iterations, sizeof(p->salt), p->salt, sizeof(key), key);
	else
		hkdf_sha256(secret, secret_size, p->salt, sizeof(p->salt), CREDENTIAL_INFO, sizeof(CREDENTIAL_INFO) - 1,
			    key, sizeof(key));
	status = eax_key_new(key, sizeof(key), ret_key);
	secret_wipe(key, sizeof(key));
	return status;
}

static void slot_header(const struct eax_key *key, const uint8_t store_id[static 16],
			const uint8_t parameters[static PARAMETERS_SIZE], struct eax_header *ret_header)
{
	uint8_t bytes[2 + sizeof(HEADER) - 1 + 16 + PARAMETERS_SIZE];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, HEADER);
	wire_put_bytes(&out, store_id, 16);
	wire_put_bytes(&out, parameters, PARAMETERS_SIZE);
	eax_header_init(key, bytes, out.used, ret_header);
}

enum crypto_status unlock_key_generate(struct unlock_key *ret_key)
{
	return random_key(ret_key->b, sizeof(ret_key->b));
}

enum crypto_status slot_seal(enum slot_kind kind, const uint8_t store_id[static 16], const void *secret,
			     size_t secret_size, unsigned iterations, const struct unlock_key *key,
			     uint8_t ret_slot[static SLOT_SIZE])
{
	struct parameters p = {.kind = (uint8_t)kind, .iterations = iterations};
	struct eax_key *cipher = NULL;
	struct eax_header header;
	struct wire_out out;
	enum crypto_status status;

	if (!plausible(&p, secret_size))
		return CRYPTO_FORMAT;
	status = random_nonce(p.salt, sizeof(p.salt));
	if (status == CRYPTO_OK)
		status = slot_cipher(&p, secret, secret_size, &cipher);
	if (status != CRYPTO_OK)
		return status;
	wire_out_init(&out, ret_slot, SLOT_SIZE);
	wire_put_bytes(&out, MAGIC, MAGIC_SIZE);
	wire_put_u8(&out, p.kind);
	wire_put_u32(&out, p.iterations);
	wire_put_bytes(&out, p.salt, sizeof(p.salt));
	slot_header(cipher, store_id, ret_slot + MAGIC_SIZE, &header);
	eax_seal(cipher, &header, p.salt, NONCE_SIZE, key->b, sizeof(key->b), ret_slot + TAG_AT, ret_slot + KEY_AT);
	eax_key_free(cipher);
	return CRYPTO_OK;
}

enum crypto_status slot_open(enum slot_kind kind, const uint8_t store_id[static 16], const void *secret,
			     size_t secret_size, const uint8_t *slot, size_t slot_size, struct unlock_key *ret_key)
{
	struct parameters p;
	struct eax_key *cipher = NULL;
	struct eax_header header;
	struct wire_in in;
	const uint8_t *magic;
	enum crypto_status status;

	if (slot_size != SLOT_SIZE)
		return CRYPTO_FORMAT;
	wire_in_init(&in, slot, slot_size);
	magic = wire_get_view(&in, MAGIC_SIZE);
	p.kind = wire_get_u8(&in);
	p.iterations = wire_get_u32(&in);
	wire_get_bytes(&in, p.salt, sizeof(p.salt));
	if (memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
		return CRYPTO_FORMAT;
	/* Before any stretching: a damaged count must not cost minutes. */
	if (p.kind != kind || !plausible(&p, secret_size))
		return CRYPTO_LOCKED;
	status = slot_cipher(&p, secret, secret_size, &cipher);
	if (status != CRYPTO_OK)
		return status;
	slot_header(cipher, store_id, slot + MAGIC_SIZE, &header);
	status = eax_open(cipher, &header, p.salt, NONCE_SIZE, slot + TAG_AT, slot + KEY_AT, sizeof(ret_key->b),
			  ret_key->b);
	eax_key_free(cipher);
	return status == CRYPTO_AUTH ? CRYPTO_LOCKED : status;
}
