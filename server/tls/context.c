#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "crypto/secret.h"
#include "server/tls/context_private.h"

const char *tls_status_text(enum tls_status status)
{
	switch (status) {
	case TLS_OK:
		return "success";
	case TLS_NOMEM:
		return "out of memory";
	case TLS_CERTIFICATE:
		return "the certificate is malformed or does not match its key";
	case TLS_KEY:
		return "the key is malformed or of a kind that is not served";
	case TLS_INTERNAL:
		return "the TLS library failed";
	}
	return "unknown";
}

const char *tls_priorities(void)
{
	/* Written out: the library's named levels drop P-256, and change with its version. */
	return "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+CTYPE-X509:+COMP-NULL"
	       ":+ECDHE-ECDSA:+ECDHE-RSA"
	       ":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
	       ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
	       ":+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512"
	       ":+SIGN-EDDSA-ED25519"
	       ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512"
	       ":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512"
	       ":+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512"
	       ":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"
	       ":%SERVER_PRECEDENCE";
}

static enum tls_status import_key(const char *pem, gnutls_x509_privkey_t *ret_key)
{
	const gnutls_datum_t datum = text_datum(pem);
	gnutls_x509_privkey_t key = NULL;
	unsigned bits = 0;
	int code;

	if (gnutls_x509_privkey_init(&key) < 0)
		return TLS_NOMEM;
	code = gnutls_x509_privkey_import2(key, &datum, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	if (code < 0)
		goto refuse;
	switch (gnutls_x509_privkey_get_pk_algorithm2(key, &bits)) {
	case GNUTLS_PK_RSA:
	case GNUTLS_PK_RSA_PSS:
		if (bits < 2048)
			goto refuse;
		break;
	case GNUTLS_PK_ECDSA:
	case GNUTLS_PK_EDDSA_ED25519:
		break;
	default:
		goto refuse;
	}
	*ret_key = key;
	return TLS_OK;
refuse:
	gnutls_x509_privkey_deinit(key);
	return code == GNUTLS_E_MEMORY_ERROR ? TLS_NOMEM : TLS_KEY;
}

static enum tls_status make_credential(const char *chain_pem, const char *key_pem,
				       gnutls_certificate_credentials_t *ret_credential)
{
	const gnutls_datum_t datum = text_datum(chain_pem);
	gnutls_certificate_credentials_t credential = NULL;
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t *chain = NULL;
	unsigned count = 0;
	enum tls_status status;
	int code;

	status = import_key(key_pem, &key);
	if (status != TLS_OK)
		goto out;
	code = gnutls_x509_crt_list_import2(&chain, &count, &datum, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
	if (code >= 0)
		code = gnutls_certificate_allocate_credentials(&credential);
	if (code >= 0)
		code = gnutls_certificate_set_x509_key(credential, chain, (int)count, key);
	if (code < 0) {
		status = code == GNUTLS_E_MEMORY_ERROR ? TLS_NOMEM : TLS_CERTIFICATE;
		goto out;
	}
	*ret_credential = credential;
	credential = NULL;
out:
	if (credential)
		gnutls_certificate_free_credentials(credential);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	gnutls_x509_privkey_deinit(key);
	return status;
}

enum tls_status tls_context_new(const char *chain_pem, const char *key_pem, struct tls_context **ret_context)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	enum tls_status status;

	if (!context)
		return TLS_NOMEM;
	pthread_mutex_init(&context->lock, NULL);
	status = make_credential(chain_pem, key_pem, &context->credential);
	if (status != TLS_OK) {
		tls_context_free(context);
		return status;
	}
	*ret_context = context;
	return TLS_OK;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	if (context->credential)
		gnutls_certificate_free_credentials(context->credential);
	if (context->ticket_key.data)
		secret_wipe(context->ticket_key.data, context->ticket_key.size);
	gnutls_free(context->ticket_key.data);
	for (size_t i = 0; i < TLS_LINK_PAGES; i++)
		free(context->pages[i]);
	pthread_mutex_destroy(&context->lock);
	free(context);
}
