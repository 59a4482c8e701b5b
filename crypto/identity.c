#include "crypto/identity.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <nettle/eddsa.h>
#include <string.h>

#include "crypto/pem.h"
#include "crypto/random.h"
#include "crypto/secret.h"

_Static_assert(IDENTITY_PUBLIC_SIZE == ED25519_KEY_SIZE, "public keys are Ed25519's");
_Static_assert(IDENTITY_SIGNATURE_SIZE == ED25519_SIGNATURE_SIZE, "signatures are Ed25519's");

/* Lives in locked memory. */
struct identity {
	uint8_t seed[ED25519_KEY_SIZE];
	uint8_t public_key[ED25519_KEY_SIZE]; /* of that seed */
};

enum crypto_status identity_generate(struct identity **ret_identity)
{
	struct identity *identity = secret_alloc(sizeof(*identity));
	if (!identity)
		return CRYPTO_NOMEM;
	enum crypto_status status = random_key(identity->seed, sizeof(identity->seed));
	if (status != CRYPTO_OK) {
		identity_free(identity);
		return status;
	}
	ed25519_sha512_public_key(identity->public_key, identity->seed);
	*ret_identity = identity;
	return CRYPTO_OK;
}

enum crypto_status identity_to_pem(const struct identity *identity, char **ret_pem, size_t *ret_size)
{
	struct identity copy = *identity; /* GnuTLS wants data that is not const */
	const gnutls_datum_t x = {.data = copy.public_key, .size = sizeof(copy.public_key)};
	const gnutls_datum_t k = {.data = copy.seed, .size = sizeof(copy.seed)};
	gnutls_x509_privkey_t key = NULL;
	enum crypto_status status = CRYPTO_NOMEM;

	if (gnutls_x509_privkey_init(&key) < 0)
		goto out;
	int error = gnutls_x509_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k);
	if (error < 0) {
		status = error == GNUTLS_E_MEMORY_ERROR ? CRYPTO_NOMEM : CRYPTO_KEY;
		goto out;
	}
	status = pem_export(key, NULL, ret_pem, ret_size);
out:
	if (key)
		gnutls_x509_privkey_deinit(key);
	secret_wipe(&copy, sizeof(copy));
	return status;
}

/* The seed of an Ed25519 key; CRYPTO_KEY for any other. */
static enum crypto_status export_seed(gnutls_x509_privkey_t key, uint8_t ret_seed[static ED25519_KEY_SIZE])
{
	gnutls_datum_t x = {0};
	gnutls_datum_t k = {0};
	gnutls_ecc_curve_t curve;
	enum crypto_status status = CRYPTO_KEY;

	if (gnutls_x509_privkey_get_pk_algorithm(key) != GNUTLS_PK_EDDSA_ED25519)
		return CRYPTO_KEY;
	int error = gnutls_x509_privkey_export_ecc_raw(key, &curve, &x, NULL, &k);
	if (error < 0)
		return error == GNUTLS_E_MEMORY_ERROR ? CRYPTO_NOMEM : CRYPTO_KEY;
	if (k.size == ED25519_KEY_SIZE) {
		memcpy(ret_seed, k.data, ED25519_KEY_SIZE);
		status = CRYPTO_OK;
	}
	secret_wipe(k.data, k.size);
	gnutls_free(k.data);
	gnutls_free(x.data);
	return status;
}

enum crypto_status identity_from_pem(const char *pem, size_t size, struct identity **ret_identity)
{
	struct identity *identity = NULL;
	gnutls_x509_privkey_t key = NULL;

	enum crypto_status status = pem_import(pem, size, NULL, &key);
	if (status != CRYPTO_OK)
		return status;
	identity = secret_alloc(sizeof(*identity));
	if (!identity) {
		status = CRYPTO_NOMEM;
		goto out;
	}
	status = export_seed(key, identity->seed);
	if (status != CRYPTO_OK)
		goto out;
	ed25519_sha512_public_key(identity->public_key, identity->seed);
	*ret_identity = identity;
	identity = NULL;
out:
	identity_free(identity);
	gnutls_x509_privkey_deinit(key);
	return status;
}

void identity_public(const struct identity *identity, uint8_t ret_public[static IDENTITY_PUBLIC_SIZE])
{
	memcpy(ret_public, identity->public_key, IDENTITY_PUBLIC_SIZE);
}

void identity_sign(const struct identity *identity, const void *message, size_t size,
		   uint8_t ret_signature[static IDENTITY_SIGNATURE_SIZE])
{
	ed25519_sha512_sign(identity->public_key, identity->seed, size, message, ret_signature);
}

enum crypto_status identity_verify(const uint8_t public_key[static IDENTITY_PUBLIC_SIZE], const void *message,
				   size_t size, const uint8_t signature[static IDENTITY_SIGNATURE_SIZE])
{
	return ed25519_sha512_verify(public_key, size, message, signature) ? CRYPTO_OK : CRYPTO_AUTH;
}

void identity_free(struct identity *identity)
{
	secret_free(identity, sizeof(*identity));
}
