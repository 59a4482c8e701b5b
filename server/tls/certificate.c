#include "server/tls/certificate.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "server/tls/context_private.h"

/* False for what is no name of a server. */
static bool print_name(int type, const char *bytes, size_t size, char ret_name[static TLS_CERTIFICATE_NAME_MAX])
{
	if (type == GNUTLS_SAN_IPADDRESS)
		return (size == 4 || size == 16) &&
		       inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, ret_name, TLS_CERTIFICATE_NAME_MAX);
	if (type != GNUTLS_SAN_DNSNAME || size == 0 || size >= TLS_CERTIFICATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return false;
	memcpy(ret_name, bytes, size);
	ret_name[size] = '\0';
	return true;
}

static void read_names(gnutls_x509_crt_t certificate, struct tls_certificate *ret_certificate)
{
	char bytes[TLS_CERTIFICATE_NAME_MAX];

	for (unsigned i = 0; ret_certificate->count < TLS_CERTIFICATE_NAMES_MAX; i++) {
		size_t size = sizeof(bytes);
		const int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, bytes, &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return;
		if (type >= 0 && print_name(type, bytes, size, ret_certificate->names[ret_certificate->count]))
			ret_certificate->count++;
	}
}

static enum tls_status describe(gnutls_x509_crt_t certificate, struct tls_certificate *ret_certificate)
{
	const time_t from = gnutls_x509_crt_get_activation_time(certificate);
	const time_t until = gnutls_x509_crt_get_expiration_time(certificate);

	if (from == (time_t)-1 || until == (time_t)-1)
		return TLS_CERTIFICATE;
	memset(ret_certificate, 0, sizeof(*ret_certificate));
	ret_certificate->not_before_ms = (int64_t)from * 1000;
	ret_certificate->not_after_ms = (int64_t)until * 1000;
	read_names(certificate, ret_certificate);
	return TLS_OK;
}

static enum tls_status import(const char *pem, gnutls_x509_crt_t *ret_certificate)
{
	const gnutls_datum_t datum = text_datum(pem);
	gnutls_x509_crt_t certificate = NULL;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return TLS_NOMEM;
	if (gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_x509_crt_deinit(certificate);
		return TLS_CERTIFICATE;
	}
	*ret_certificate = certificate;
	return TLS_OK;
}

enum tls_status tls_certificate_read(const char *pem, struct tls_certificate *ret_certificate)
{
	gnutls_x509_crt_t certificate;
	enum tls_status status = import(pem, &certificate);

	if (status != TLS_OK)
		return status;
	status = describe(certificate, ret_certificate);
	gnutls_x509_crt_deinit(certificate);
	return status;
}

bool tls_certificate_is_for(const char *pem, const char *const *names, size_t count)
{
	gnutls_x509_crt_t certificate;
	bool all = true;

	if (import(pem, &certificate) != TLS_OK)
		return false;
	for (size_t i = 0; i < count && all; i++)
		all = gnutls_x509_crt_check_hostname2(certificate, names[i], GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS);
	gnutls_x509_crt_deinit(certificate);
	return all;
}

/* The leaf of the pair at `index`. */
static enum tls_status describe_pair(const struct tls_credential *credential, unsigned index,
				     struct tls_certificate *ret_certificate)
{
	gnutls_x509_crt_t *chain = NULL;
	unsigned count = 0;
	enum tls_status status = TLS_CERTIFICATE;

	if (gnutls_certificate_get_x509_crt(credential->gnutls, index, &chain, &count) < 0)
		return status;
	if (count > 0)
		status = describe(chain[0], ret_certificate);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	return status;
}

enum tls_status tls_context_certificate(struct tls_context *context, struct tls_certificate *ret_certificate)
{
	struct tls_credential *credential = tls_context_take(context);
	const enum tls_status status = describe_pair(credential, credential->expiry_pair, ret_certificate);

	tls_credential_give(credential);
	return status;
}

void tls_library(char ret_built[static 32], char ret_runs[static 32])
{
	snprintf(ret_built, 32, "%s", GNUTLS_VERSION);
	snprintf(ret_runs, 32, "%s", gnutls_check_version(NULL));
}
