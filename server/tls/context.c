#include <assert.h>
#include <stdlib.h>

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
		return "there is no chain of PEM certificates in it, the server's own first";
	case TLS_KEY:
		return "there is no PEM key in it that can be served: RSA from 2048 bits, ECDSA or Ed25519, not "
		       "encrypted";
	case TLS_MISMATCH:
		return "the key is not that of the certificate";
	case TLS_EXPIRED:
		return "the certificate has expired";
	case TLS_EARLY:
		return "the certificate is not valid yet";
	case TLS_STAPLE:
		return "it is no OCSP response (DER) for the certificate by its CA";
	case TLS_STAPLE_OLD:
		return "the OCSP response has expired";
	case TLS_STAPLE_REVOKED:
		return "the OCSP response says that the certificate was revoked: none is stapled, and another "
		       "certificate is needed";
	case TLS_CLIENT_CA:
		return "there is no certificate in it";
	case TLS_CLIENT_CRL:
		return "there is no CRL in it";
	case TLS_REFUSED:
		return "the client asks for what is not spoken here";
	case TLS_INTERNAL:
		return "the TLS library failed";
	}
	return "unknown";
}

/* Written out: the library's named levels drop P-256, and change with its version. */
#define COMMON                                                                                    \
	":+CTYPE-X509:+COMP-NULL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"              \
	":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"                                        \
	":+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512" \
	":+SIGN-EDDSA-ED25519"                                                                    \
	":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512"          \
	":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512"                         \
	":+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512"                               \
	":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"                                     \
	":%SERVER_PRECEDENCE"

const char *tls_context_priorities(const struct tls_context *context)
{
	static const char *const priorities[] = {
		[TLS_LEAST_1_2] = "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA" COMMON,
		[TLS_LEAST_1_3] = "NONE:+VERS-TLS1.3" COMMON,
	};

	return priorities[context->least];
}

enum tls_status tls_context_new(const struct tls_material *material, enum tls_least least,
				struct tls_context **ret_context)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	enum tls_status status;

	assert(material->pair_count > 0 && material->pair_count <= TLS_PAIRS_MAX);
	if (!context)
		return TLS_NOMEM;
	context->least = least;
	pthread_mutex_init(&context->lock, NULL);
	status = tls_credential_new(material, &context->credential);
	if (status != TLS_OK) {
		tls_context_free(context);
		return status;
	}
	*ret_context = context;
	return TLS_OK;
}

struct tls_credential *tls_context_take(struct tls_context *context)
{
	struct tls_credential *credential;

	pthread_mutex_lock(&context->lock);
	credential = context->credential;
	atomic_fetch_add(&credential->references, 1);
	pthread_mutex_unlock(&context->lock);
	return credential;
}

enum tls_status tls_context_replace(struct tls_context *context, const struct tls_material *material)
{
	struct tls_credential *fresh = NULL;
	struct tls_credential *served = tls_context_take(context);
	enum tls_status status;

	assert(material->pair_count > 0 && material->pair_count <= TLS_PAIRS_MAX);
	status = tls_credential_new(material, &fresh);
	if (status == TLS_OK)
		status = tls_credential_check_dates(material, served);
	tls_credential_give(served);
	if (status != TLS_OK) {
		tls_credential_give(fresh);
		return status;
	}
	pthread_mutex_lock(&context->lock);
	served = context->credential;
	context->credential = fresh;
	atomic_fetch_add(&context->generation, 1);
	pthread_mutex_unlock(&context->lock);
	tls_credential_give(served);
	return TLS_OK;
}

unsigned long tls_context_generation(const struct tls_context *context)
{
	return atomic_load(&context->generation);
}

void tls_context_expiry(struct tls_context *context, struct tls_expiry *ret_expiry)
{
	struct tls_credential *credential = tls_context_take(context);

	*ret_expiry = credential->expiry;
	ret_expiry->seconds_left = ret_expiry->not_after - (int64_t)time(NULL);
	tls_credential_give(credential);
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	tls_credential_give(context->credential);
	if (context->ticket_key.data)
		secret_wipe(context->ticket_key.data, context->ticket_key.size);
	gnutls_free(context->ticket_key.data);
	for (size_t i = 0; i < TLS_LINK_PAGES; i++)
		free(context->pages[i]);
	pthread_mutex_destroy(&context->lock);
	free(context);
}
