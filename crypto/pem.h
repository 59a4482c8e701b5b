/* Private keys of GnuTLS as PEM and back; GnuTLS's error codes end here. */
#ifndef COFFER_CRYPTO_PEM_H
#define COFFER_CRYPTO_PEM_H

#include <stddef.h>

#include "crypto/status.h"

/* gnutls_x509_privkey_t points to one of these. */
struct gnutls_x509_privkey_int;

/*
 * PKCS#8; passphrase NULL: unencrypted, else PBES2 with AES-256. Free with secret_free(*ret_pem, *ret_size + 1).
 */
MUST_CHECK enum crypto_status pem_export(struct gnutls_x509_privkey_int *key, const char *passphrase, char **ret_pem,
					 size_t *ret_size);

/*
 * PKCS#8 or an older form. CRYPTO_LOCKED: encrypted, and no passphrase or not this one. CRYPTO_FORMAT: no such PEM.
 * Give *ret_key back with gnutls_x509_privkey_deinit().
 */
MUST_CHECK enum crypto_status pem_import(const char *pem, size_t size, const char *passphrase,
					 struct gnutls_x509_privkey_int **ret_key);

#endif
