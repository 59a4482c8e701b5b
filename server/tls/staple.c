/* OCSP responses (RFC 6960) that a server staples to its handshakes. */
#include <gnutls/ocsp.h>

#include "server/tls/context_private.h"

/* How old one may be that does not say when the next one comes. */
enum { UNDATED_SECONDS = 15 * 24 * 60 * 60 };

static bool is_signed(gnutls_ocsp_resp_const_t response, gnutls_x509_crt_t issuer)
{
	unsigned faults = 0;

	return gnutls_ocsp_resp_verify_direct(response, issuer, &faults, 0) >= 0 && faults == 0;
}

static enum tls_status check_single(gnutls_ocsp_resp_const_t response, unsigned index)
{
	const time_t now = time(NULL);
	unsigned said = GNUTLS_OCSP_CERT_UNKNOWN;
	time_t this_update = -1, next_update = -1;

	if (gnutls_ocsp_resp_get_single(response, index, NULL, NULL, NULL, NULL, &said, &this_update, &next_update,
					NULL, NULL) < 0)
		return TLS_STAPLE;
	if (said == GNUTLS_OCSP_CERT_REVOKED)
		return TLS_STAPLE_REVOKED;
	if (said != GNUTLS_OCSP_CERT_GOOD)
		return TLS_STAPLE;
	return (next_update == -1 ? this_update + UNDATED_SECONDS : next_update) <= now ? TLS_STAPLE_OLD : TLS_OK;
}

static enum tls_status check(gnutls_ocsp_resp_const_t response, gnutls_x509_crt_t *chain, unsigned count)
{
	unsigned index = 0;
	int code;

	if (gnutls_ocsp_resp_get_status(response) != GNUTLS_OCSP_RESP_SUCCESSFUL)
		return TLS_STAPLE;
	while ((code = gnutls_ocsp_resp_check_crt(response, index, chain[0])) == GNUTLS_E_OCSP_RESPONSE_ERROR)
		index++;
	if (code < 0)
		return TLS_STAPLE;
	/* Without its issuer in the chain nobody but the client can tell. */
	if (count > 1 && !is_signed(response, chain[1]))
		return TLS_STAPLE;
	return check_single(response, index);
}

enum tls_status tls_staple_check(const uint8_t *der, size_t size, gnutls_x509_crt_t *chain, unsigned count)
{
	const gnutls_datum_t datum = {.data = (unsigned char *)(uintptr_t)der, .size = (unsigned)size};
	gnutls_ocsp_resp_t response = NULL;
	enum tls_status status = TLS_STAPLE;

	if (gnutls_ocsp_resp_init(&response) < 0)
		return TLS_NOMEM;
	if (gnutls_ocsp_resp_import2(response, &datum, GNUTLS_X509_FMT_DER) >= 0)
		status = check(response, chain, count);
	gnutls_ocsp_resp_deinit(response);
	return status;
}
