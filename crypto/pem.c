#include "crypto/pem.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/secret.h"

enum crypto_status pem_export(struct gnutls_x509_privkey_int *key, const char *passphrase, char **ret_pem,
			      size_t *ret_size)
{
	unsigned flags = passphrase ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN;
	gnutls_datum_t out = {0};

	int error = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, passphrase, flags, &out);
	if (error == GNUTLS_E_RANDOM_FAILED)
		return CRYPTO_RANDOM;
	if (error < 0)
		return error == GNUTLS_E_MEMORY_ERROR ? CRYPTO_NOMEM : CRYPTO_KEY;
	char *pem = secret_alloc((size_t)out.size + 1);
	if (pem) {
		memcpy(pem, out.data, out.size);
		*ret_pem = pem;
		*ret_size = out.size;
	}
	secret_wipe(out.data, out.size);
	gnutls_free(out.data);
	return pem ? CRYPTO_OK : CRYPTO_NOMEM;
}

/* By its armour: PKCS#8 says it in the first line, the older form in a header. */
static bool is_encrypted(const char *pem, size_t size)
{
	static const char *const signs[] = {"BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (memmem(pem, size, signs[i], strlen(signs[i])))
			return true;
	return false;
}

static enum crypto_status import_status(int error, bool encrypted)
{
	switch (error) {
	case GNUTLS_E_MEMORY_ERROR:
		return CRYPTO_NOMEM;
	case GNUTLS_E_PK_INVALID_PRIVKEY:
	case GNUTLS_E_UNKNOWN_PK_ALGORITHM:
	case GNUTLS_E_ECC_UNSUPPORTED_CURVE:
		return CRYPTO_KEY;
	default:
		/* A wrong passphrase may by chance leave good padding, and then shows as malformed DER. */
		return encrypted ? CRYPTO_LOCKED : CRYPTO_FORMAT;
	}
}

enum crypto_status pem_import(const char *pem, size_t size, const char *passphrase,
			      struct gnutls_x509_privkey_int **ret_key)
{
	if (size > INT_MAX || !memmem(pem, size, "-----BEGIN ", strlen("-----BEGIN ")))
		return CRYPTO_FORMAT;
	bool encrypted = is_encrypted(pem, size);
	if (encrypted && !passphrase)
		return CRYPTO_LOCKED;
	gnutls_x509_privkey_t key = NULL;
	if (gnutls_x509_privkey_init(&key) < 0)
		return CRYPTO_NOMEM;
	union {
		const char *in;
		unsigned char *data;
	} text = {.in = pem}; /* GnuTLS only reads it, but its type does not say so */
	const gnutls_datum_t datum = {.data = text.data, .size = (unsigned)size};
	int error = gnutls_x509_privkey_import2(key, &datum, GNUTLS_X509_FMT_PEM, encrypted ? passphrase : NULL, 0);
	if (error < 0) {
		gnutls_x509_privkey_deinit(key);
		return import_status(error, encrypted);
	}
	*ret_key = key;
	return CRYPTO_OK;
}
