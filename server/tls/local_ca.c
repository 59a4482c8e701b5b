#include "server/tls/local_ca.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "crypto/secret.h"
#include "server/tls/context_private.h"

enum {
	DAY = 24 * 60 * 60,
	CA_DAYS = 3653,
	BACKDATE = 60 * 60, /* for clients whose clock is behind */
	NAME_MAX_BYTES = 256,
};

static const char *const ALWAYS[] = {"localhost", "127.0.0.1", "::1"};
enum { ALWAYS_COUNT = sizeof(ALWAYS) / sizeof(ALWAYS[0]) };

static enum tls_status from_code(int code)
{
	if (code >= 0)
		return TLS_OK;
	return code == GNUTLS_E_MEMORY_ERROR ? TLS_NOMEM : TLS_INTERNAL;
}

/* Wipes and frees. */
static void free_text(char *text)
{
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
}

void tls_pems_done(struct tls_pems *pems)
{
	free_text(pems->ca_cert);
	free_text(pems->ca_key);
	free_text(pems->leaf_cert);
	free_text(pems->leaf_key);
	*pems = (struct tls_pems){0};
}

/* ---- keys and certificates as text ------------------------------------------------------------------------------- */

/* The datum's text, then `more`. */
static char *join(const gnutls_datum_t *datum, const char *more)
{
	const size_t tail = strlen(more);
	char *text = malloc(datum->size + tail + 1);

	if (text) {
		memcpy(text, datum->data, datum->size);
		memcpy(text + datum->size, more, tail + 1);
	}
	return text;
}

static enum tls_status export_cert(gnutls_x509_crt_t cert, const char *more, char **ret_pem)
{
	gnutls_datum_t datum = {0};
	enum tls_status status = from_code(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &datum));

	if (status == TLS_OK && !(*ret_pem = join(&datum, more)))
		status = TLS_NOMEM;
	gnutls_free(datum.data);
	return status;
}

static enum tls_status export_key(gnutls_x509_privkey_t key, char **ret_pem)
{
	gnutls_datum_t datum = {0};
	enum tls_status status =
		from_code(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &datum));

	if (status == TLS_OK && !(*ret_pem = join(&datum, "")))
		status = TLS_NOMEM;
	if (datum.data)
		secret_wipe(datum.data, datum.size);
	gnutls_free(datum.data);
	return status;
}

/* The first certificate of the text. */
static enum tls_status import_cert(const char *pem, gnutls_x509_crt_t *ret_cert)
{
	const gnutls_datum_t datum = text_datum(pem);
	gnutls_x509_crt_t cert = NULL;

	if (gnutls_x509_crt_init(&cert) < 0)
		return TLS_NOMEM;
	if (gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_x509_crt_deinit(cert);
		return TLS_CERTIFICATE;
	}
	*ret_cert = cert;
	return TLS_OK;
}

static enum tls_status import_key(const char *pem, gnutls_x509_privkey_t *ret_key)
{
	const gnutls_datum_t datum = text_datum(pem);
	gnutls_x509_privkey_t key = NULL;

	if (gnutls_x509_privkey_init(&key) < 0)
		return TLS_NOMEM;
	if (gnutls_x509_privkey_import(key, &datum, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_x509_privkey_deinit(key);
		return TLS_KEY;
	}
	*ret_key = key;
	return TLS_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* A fresh P-256 key and a certificate for it with what a CA and a leaf have in common; unsigned yet. */
static int begin(const char *common_name, int64_t lifetime, gnutls_x509_privkey_t *key, gnutls_x509_crt_t *cert)
{
	const time_t now = time(NULL);
	unsigned char serial[16];
	unsigned char id[20];
	size_t id_size = sizeof(id);
	int code;

	if ((code = gnutls_x509_privkey_init(key)) < 0 || (code = gnutls_x509_crt_init(cert)) < 0)
		return code;
	code = gnutls_x509_privkey_generate(*key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (code < 0 || (code = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial))) < 0)
		return code;
	serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40); /* positive, and of one length */
	if ((code = gnutls_x509_crt_set_version(*cert, 3)) < 0 || (code = gnutls_x509_crt_set_key(*cert, *key)) < 0 ||
	    (code = gnutls_x509_crt_set_serial(*cert, serial, sizeof(serial))) < 0 ||
	    (code = gnutls_x509_crt_set_activation_time(*cert, now - BACKDATE)) < 0 ||
	    (code = gnutls_x509_crt_set_expiration_time(*cert, now + (time_t)lifetime)) < 0 ||
	    (code = gnutls_x509_crt_set_dn_by_oid(*cert, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
						  (unsigned)strlen(common_name))) < 0 ||
	    (code = gnutls_x509_crt_get_key_id(*cert, 0, id, &id_size)) < 0)
		return code;
	if ((code = gnutls_x509_crt_set_subject_key_id(*cert, id, id_size)) < 0)
		return code;
	return gnutls_x509_crt_set_key_purpose_oid(*cert, GNUTLS_KP_TLS_WWW_SERVER, 0);
}

static int begin_ca(gnutls_x509_privkey_t *key, gnutls_x509_crt_t *cert)
{
	unsigned char tag[4];
	char name[64];
	int code = gnutls_rnd(GNUTLS_RND_NONCE, tag, sizeof(tag));

	if (code < 0)
		return code;
	/* Two CAs of one name in a trust store would be taken for each other. */
	snprintf(name, sizeof(name), "coffer local CA %02x%02x%02x%02x", tag[0], tag[1], tag[2], tag[3]);
	if ((code = begin(name, (int64_t)CA_DAYS * DAY, key, cert)) < 0 ||
	    (code = gnutls_x509_crt_set_basic_constraints(*cert, 1, 0)) < 0)
		return code;
	return gnutls_x509_crt_set_key_usage(*cert, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
}

enum tls_status tls_local_ca_make(struct tls_pems *pems)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t cert = NULL;
	char *cert_pem = NULL;
	char *key_pem = NULL;
	enum tls_status status = from_code(begin_ca(&key, &cert));

	if (status == TLS_OK)
		status = from_code(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0));
	if (status == TLS_OK)
		status = export_cert(cert, "", &cert_pem);
	if (status == TLS_OK)
		status = export_key(key, &key_pem);
	if (status != TLS_OK)
		goto out;
	free_text(pems->ca_cert);
	free_text(pems->ca_key);
	pems->ca_cert = cert_pem;
	pems->ca_key = key_pem;
	cert_pem = key_pem = NULL;
out:
	free_text(cert_pem);
	free_text(key_pem);
	if (cert)
		gnutls_x509_crt_deinit(cert);
	gnutls_x509_privkey_deinit(key);
	return status;
}

static int add_name(gnutls_x509_crt_t cert, const char *name)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, 16,
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
						    GNUTLS_FSAN_APPEND);
}

static int add_names(gnutls_x509_crt_t cert, const char *const *names, size_t count)
{
	int code = 0;

	for (size_t i = 0; i < ALWAYS_COUNT && code >= 0; i++)
		code = add_name(cert, ALWAYS[i]);
	for (size_t i = 0; i < count && code >= 0; i++)
		code = add_name(cert, names[i]);
	return code;
}

static int begin_leaf(gnutls_x509_crt_t ca, const char *const *names, size_t count, int64_t lifetime,
		      gnutls_x509_privkey_t *key, gnutls_x509_crt_t *cert)
{
	unsigned char id[64];
	size_t id_size = sizeof(id);
	int code;

	if ((code = begin("coffer", lifetime, key, cert)) < 0 || (code = add_names(*cert, names, count)) < 0 ||
	    (code = gnutls_x509_crt_set_basic_constraints(*cert, 0, -1)) < 0 ||
	    (code = gnutls_x509_crt_set_key_usage(*cert, GNUTLS_KEY_DIGITAL_SIGNATURE)) < 0 ||
	    (code = gnutls_x509_crt_get_subject_key_id(ca, id, &id_size, NULL)) < 0)
		return code;
	return gnutls_x509_crt_set_authority_key_id(*cert, id, id_size);
}

enum tls_status tls_local_leaf_make(struct tls_pems *pems, const char *const *names, size_t count, int64_t lifetime)
{
	gnutls_x509_privkey_t ca_key = NULL;
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t ca = NULL;
	gnutls_x509_crt_t cert = NULL;
	char *cert_pem = NULL;
	char *key_pem = NULL;
	enum tls_status status;

	if ((status = import_cert(pems->ca_cert, &ca)) != TLS_OK ||
	    (status = import_key(pems->ca_key, &ca_key)) != TLS_OK ||
	    (status = from_code(begin_leaf(ca, names, count, lifetime, &key, &cert))) != TLS_OK ||
	    (status = from_code(gnutls_x509_crt_sign2(cert, ca, ca_key, GNUTLS_DIG_SHA256, 0))) != TLS_OK ||
	    (status = export_cert(cert, pems->ca_cert, &cert_pem)) != TLS_OK ||
	    (status = export_key(key, &key_pem)) != TLS_OK)
		goto out;
	free_text(pems->leaf_cert);
	free_text(pems->leaf_key);
	pems->leaf_cert = cert_pem;
	pems->leaf_key = key_pem;
	cert_pem = key_pem = NULL;
out:
	free_text(cert_pem);
	free_text(key_pem);
	if (cert)
		gnutls_x509_crt_deinit(cert);
	if (ca)
		gnutls_x509_crt_deinit(ca);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(ca_key);
	return status;
}

/* ---- looking at what is there ------------------------------------------------------------------------------------ */

/* Whether the certificate was made for just this name: a wildcard is one, and stands for no other here. */
static int has_name(gnutls_x509_crt_t cert, const char *name)
{
	unsigned char wanted[16];
	const size_t wanted_size = inet_pton(AF_INET, name, wanted) == 1    ? 4
				   : inet_pton(AF_INET6, name, wanted) == 1 ? 16
									    : 0;
	unsigned char found[NAME_MAX_BYTES];
	unsigned type;
	int code = 0;

	for (unsigned i = 0; code != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		size_t size = sizeof(found);

		code = gnutls_x509_crt_get_subject_alt_name2(cert, i, found, &size, &type, NULL);
		if (code < 0)
			continue;
		if (wanted_size
			    ? type == GNUTLS_SAN_IPADDRESS && size == wanted_size && memcmp(found, wanted, size) == 0
			    : type == GNUTLS_SAN_DNSNAME && size == strlen(name) &&
				      strncasecmp((const char *)found, name, size) == 0)
			return 1;
	}
	return 0;
}

static int has_names(gnutls_x509_crt_t cert, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!has_name(cert, names[i]))
			return 0;
	return 1;
}

static int key_belongs(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key)
{
	unsigned char of_cert[64];
	unsigned char of_key[64];
	size_t cert_size = sizeof(of_cert);
	size_t key_size = sizeof(of_key);

	return gnutls_x509_crt_get_key_id(cert, 0, of_cert, &cert_size) == 0 &&
	       gnutls_x509_privkey_get_key_id(key, 0, of_key, &key_size) == 0 && cert_size == key_size &&
	       memcmp(of_cert, of_key, key_size) == 0;
}

int tls_local_leaf_good(const struct tls_pems *pems, const char *const *names, size_t count, int64_t left)
{
	gnutls_x509_crt_t ca = NULL;
	gnutls_x509_crt_t cert = NULL;
	gnutls_x509_privkey_t key = NULL;
	unsigned faults = 0;
	int good = 0;

	if (!pems->ca_cert || !pems->leaf_cert || !pems->leaf_key || import_cert(pems->ca_cert, &ca) != TLS_OK ||
	    import_cert(pems->leaf_cert, &cert) != TLS_OK || import_key(pems->leaf_key, &key) != TLS_OK)
		goto out;
	good = gnutls_x509_crt_verify(cert, &ca, 1, 0, &faults) >= 0 && faults == 0 && key_belongs(cert, key) &&
	       gnutls_x509_crt_get_expiration_time(cert) > time(NULL) + (time_t)left &&
	       has_names(cert, ALWAYS, ALWAYS_COUNT) && has_names(cert, names, count);
out:
	if (cert)
		gnutls_x509_crt_deinit(cert);
	if (ca)
		gnutls_x509_crt_deinit(ca);
	gnutls_x509_privkey_deinit(key);
	return good;
}
