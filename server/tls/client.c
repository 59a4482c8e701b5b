#include "server/tls/client.h"

#include <gnutls/x509.h>
#include <string.h>

#include "server/tls/context_private.h"

enum { CHAIN_MAX = 8 };

/* The library's own check would be by the credential that the session began with. */
static bool verify_chain(gnutls_x509_trust_list_t trusted, gnutls_x509_crt_t *chain, unsigned count,
			 unsigned *ret_found)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose};

	return gnutls_x509_trust_list_verify_crt2(trusted, chain, count, &wanted, 1, 0, ret_found, NULL) >= 0;
}

static enum tls_client_state verify(gnutls_x509_trust_list_t trusted, gnutls_x509_crt_t *chain, unsigned count)
{
	unsigned found = 0;

	if (!trusted || !verify_chain(trusted, chain, count, &found))
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

/* How many of the chain were read: all, or the chain is none. */
static unsigned import(const gnutls_datum_t *ders, unsigned count, gnutls_x509_crt_t chain[static CHAIN_MAX])
{
	unsigned done = 0;

	for (; done < count && count <= CHAIN_MAX; done++) {
		if (gnutls_x509_crt_init(&chain[done]) < 0)
			break;
		if (gnutls_x509_crt_import(chain[done], &ders[done], GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(chain[done]);
			break;
		}
	}
	return done;
}

void tls_session_client(struct tls_context *context, struct gnutls_session_int *session, struct tls_client *ret_client)
{
	unsigned count = 0, imported;
	const gnutls_datum_t *ders = gnutls_certificate_get_peers(session, &count);
	struct tls_credential *credential;
	gnutls_x509_crt_t chain[CHAIN_MAX];
	size_t size = sizeof(ret_client->fingerprint);

	memset(ret_client, 0, sizeof(*ret_client));
	ret_client->state = TLS_CLIENT_NONE;
	ret_client->generation = tls_context_generation(context); /* before what may be newer is taken */
	if (!ders || count == 0)
		return;
	credential = tls_context_take(context);
	imported = import(ders, count, chain);
	ret_client->state = imported == count ? verify(credential->clients, chain, count) : TLS_CLIENT_UNTRUSTED;
	tls_credential_give(credential);
	if (ret_client->state == TLS_CLIENT_GOOD) {
		if (gnutls_fingerprint(GNUTLS_DIG_SHA256, &ders[0], ret_client->fingerprint, &size) < 0)
			ret_client->state = TLS_CLIENT_UNTRUSTED;
		else
			read_names(chain[0], ret_client);
	}
	while (imported > 0)
		gnutls_x509_crt_deinit(chain[--imported]);
}
