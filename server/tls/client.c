#include "server/tls/client.h"

#include <gnutls/x509.h>
#include <string.h>

#include "server/tls/context_private.h"

enum tls_status tls_context_trust_clients(struct tls_context *context, const char *ca_pem, const char *crl_pem)
{
	gnutls_datum_t datum = text_datum(ca_pem);
	int count = gnutls_certificate_set_x509_trust_mem(context->credential, &datum, GNUTLS_X509_FMT_PEM);

	if (count > 0 && crl_pem) {
		datum = text_datum(crl_pem);
		count = gnutls_certificate_set_x509_crl_mem(context->credential, &datum, GNUTLS_X509_FMT_PEM);
	}
	if (count <= 0)
		return count == GNUTLS_E_MEMORY_ERROR ? TLS_NOMEM : TLS_CERTIFICATE;
	context->asks_clients = true;
	return TLS_OK;
}

static enum tls_client_state verify(gnutls_session_t session)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose};
	unsigned found = 0;

	if (gnutls_certificate_verify_peers(session, &wanted, 1, &found) < 0)
		return TLS_CLIENT_UNTRUSTED;
	if (found & (GNUTLS_CERT_REVOKED | GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
		     GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE))
		return TLS_CLIENT_REVOKED;
	/* Checked before the dates: an expired certificate of somebody else's is not worth a hint. */
	if (found & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE | GNUTLS_CERT_SIGNER_NOT_CA))
		return TLS_CLIENT_UNTRUSTED;
	if (found & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		return TLS_CLIENT_EXPIRED;
	return found == 0 ? TLS_CLIENT_GOOD : TLS_CLIENT_UNTRUSTED;
}

/* One that is too long, or has a NUL within, names nobody. */
static void keep_name(struct tls_client *client, int code, size_t size)
{
	if (code >= 0 && size > 0 && size < TLS_CLIENT_NAME_MAX && !memchr(client->names[client->count], 0, size)) {
		client->names[client->count][size] = '\0';
		client->count++;
	}
}

static void read_names(gnutls_x509_crt_t certificate, struct tls_client *client)
{
	for (unsigned i = 0; client->count < TLS_CLIENT_NAMES_MAX; i++) {
		size_t size = TLS_CLIENT_NAME_MAX;
		const int code = gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, i, 0,
							       client->names[client->count], &size);

		if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		keep_name(client, code, size);
	}
	for (unsigned i = 0; client->count < TLS_CLIENT_NAMES_MAX; i++) {
		size_t size = TLS_CLIENT_NAME_MAX;
		const int type =
			gnutls_x509_crt_get_subject_alt_name(certificate, i, client->names[client->count], &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		keep_name(client, type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME ? 0 : -1, size);
	}
}

void tls_session_client(struct gnutls_session_int *session, struct tls_client *ret_client)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
	gnutls_x509_crt_t certificate = NULL;
	size_t size = sizeof(ret_client->fingerprint);

	memset(ret_client, 0, sizeof(*ret_client));
	ret_client->state = TLS_CLIENT_NONE;
	if (!chain || count == 0)
		return;
	ret_client->state = verify(session);
	if (ret_client->state != TLS_CLIENT_GOOD)
		return;
	if (gnutls_x509_crt_init(&certificate) < 0 ||
	    gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_fingerprint(GNUTLS_DIG_SHA256, &chain[0], ret_client->fingerprint, &size) < 0)
		ret_client->state = TLS_CLIENT_UNTRUSTED;
	else
		read_names(certificate, ret_client);
	if (certificate)
		gnutls_x509_crt_deinit(certificate);
}
