/* From texts to what sessions show and trust. */
#include <stdio.h>
#include <stdlib.h>

#include "server/tls/context_private.h"
#include "server/tls/local_ca.h"

enum { RSA_LEAST_BITS = 2048 };

static enum tls_status from_code(int code, enum tls_status otherwise)
{
	return code == GNUTLS_E_MEMORY_ERROR ? TLS_NOMEM : otherwise;
}

/* ---- one pair ---------------------------------------------------------------------------------------------------- */

struct chain {
	gnutls_x509_crt_t *certificates; /* the leaf first */
	unsigned count;
};

static void chain_done(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		gnutls_x509_crt_deinit(chain->certificates[i]);
	gnutls_free(chain->certificates);
	*chain = (struct chain){0};
}

/* GNUTLS_X509_CRT_LIST_SORT puts them in order, and drops what does not belong to the first. */
static enum tls_status import_chain(const char *pem, unsigned flags, struct chain *ret_chain)
{
	const gnutls_datum_t datum = text_datum(pem);
	struct chain chain = {0};
	const int code =
		gnutls_x509_crt_list_import2(&chain.certificates, &chain.count, &datum, GNUTLS_X509_FMT_PEM, flags);

	if (code < 0)
		return from_code(code, TLS_CERTIFICATE);
	*ret_chain = chain;
	return TLS_OK;
}

static bool is_served(gnutls_x509_privkey_t key)
{
	unsigned bits = 0;

	switch (gnutls_x509_privkey_get_pk_algorithm2(key, &bits)) {
	case GNUTLS_PK_RSA:
	case GNUTLS_PK_RSA_PSS:
		return bits >= RSA_LEAST_BITS;
	case GNUTLS_PK_ECDSA:
	case GNUTLS_PK_EDDSA_ED25519:
		return true;
	default:
		return false;
	}
}

static enum tls_status import_key(const char *pem, gnutls_x509_privkey_t *ret_key)
{
	const gnutls_datum_t datum = text_datum(pem);
	gnutls_x509_privkey_t key = NULL;
	int code;

	if (gnutls_x509_privkey_init(&key) < 0)
		return TLS_NOMEM;
	code = gnutls_x509_privkey_import2(key, &datum, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	if (code < 0 || !is_served(key)) {
		gnutls_x509_privkey_deinit(key);
		return from_code(code, TLS_KEY);
	}
	*ret_key = key;
	return TLS_OK;
}

/* *ret_index: where in the credential it is. */
static enum tls_status add_pair(gnutls_certificate_credentials_t gnutls, const struct chain *chain, const char *key_pem,
				unsigned *ret_index)
{
	gnutls_x509_privkey_t key = NULL;
	enum tls_status status = import_key(key_pem, &key);
	int code;

	if (status != TLS_OK)
		return status;
	code = gnutls_certificate_set_x509_key(gnutls, chain->certificates, (int)chain->count, key); /* copies */
	gnutls_x509_privkey_deinit(key);
	if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return TLS_MISMATCH;
	if (code < 0)
		return from_code(code, TLS_CERTIFICATE);
	*ret_index = (unsigned)code;
	return TLS_OK;
}

/* One that is not good is left out. The library stops sending it when it expires. */
static enum tls_status add_staple(gnutls_certificate_credentials_t gnutls, unsigned index, const struct chain *chain,
				  const struct tls_pair *pair)
{
	const gnutls_datum_t response = {.data = (unsigned char *)(uintptr_t)pair->ocsp_der,
					 .size = (unsigned)pair->ocsp_size};
	enum tls_status status = tls_staple_check(pair->ocsp_der, pair->ocsp_size, chain->certificates, chain->count);
	int code;

	if (status != TLS_OK)
		return status == TLS_NOMEM ? TLS_NOMEM : TLS_OK;
	code = gnutls_certificate_set_ocsp_status_request_mem(gnutls, &response, index, GNUTLS_X509_FMT_DER);
	return code == GNUTLS_E_MEMORY_ERROR ? TLS_NOMEM : TLS_OK;
}

static enum tls_status new_gnutls(gnutls_certificate_credentials_t *ret_gnutls)
{
	if (gnutls_certificate_allocate_credentials(ret_gnutls) < 0)
		return TLS_NOMEM;
	/* Adding a pair then says where it is. */
	gnutls_certificate_set_flags(*ret_gnutls, GNUTLS_CERTIFICATE_API_V2);
	return TLS_OK;
}

enum tls_status tls_pair_check(const struct tls_pair *pair)
{
	gnutls_certificate_credentials_t gnutls = NULL;
	struct chain chain = {0};
	unsigned index;
	enum tls_status status = import_chain(pair->chain_pem, GNUTLS_X509_CRT_LIST_SORT, &chain);

	if (status == TLS_OK)
		status = new_gnutls(&gnutls);
	if (status == TLS_OK)
		status = add_pair(gnutls, &chain, pair->key_pem, &index);
	chain_done(&chain);
	if (gnutls)
		gnutls_certificate_free_credentials(gnutls);
	return status;
}

enum tls_status tls_pair_check_staple(const struct tls_pair *pair)
{
	struct chain chain = {0};
	enum tls_status status = import_chain(pair->chain_pem, GNUTLS_X509_CRT_LIST_SORT, &chain);

	if (status == TLS_OK)
		status = tls_staple_check(pair->ocsp_der, pair->ocsp_size, chain.certificates, chain.count);
	chain_done(&chain);
	return status;
}

static enum tls_status check_dates(gnutls_x509_crt_t leaf)
{
	const time_t now = time(NULL);

	if (gnutls_x509_crt_get_expiration_time(leaf) <= now)
		return TLS_EXPIRED;
	return gnutls_x509_crt_get_activation_time(leaf) > now ? TLS_EARLY : TLS_OK;
}

enum tls_status tls_pair_check_dates(const struct tls_pair *pair)
{
	struct chain chain = {0};
	enum tls_status status = import_chain(pair->chain_pem, GNUTLS_X509_CRT_LIST_SORT, &chain);

	if (status == TLS_OK)
		status = check_dates(chain.certificates[0]);
	chain_done(&chain);
	return status;
}

/* ---- what others see of the leaf --------------------------------------------------------------------------------- */

static bool digest_of(gnutls_x509_crt_t leaf, uint8_t ret_digest[static 32])
{
	size_t size = 32;

	return gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, ret_digest, &size) == 0;
}

static void print_digest(const uint8_t digest[static 32], char ret_text[static 96])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(ret_text + 3 * i, 4, i + 1 < 32 ? "%02X:" : "%02X", digest[i]);
}

enum tls_status tls_fingerprint(const char *cert_pem, char ret_text[static 96])
{
	const gnutls_datum_t datum = text_datum(cert_pem);
	gnutls_x509_crt_t certificate = NULL;
	uint8_t digest[32];
	bool good;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return TLS_NOMEM;
	good = gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_PEM) >= 0 && digest_of(certificate, digest);
	gnutls_x509_crt_deinit(certificate);
	if (!good)
		return TLS_CERTIFICATE;
	print_digest(digest, ret_text);
	return TLS_OK;
}

static void read_subject(gnutls_x509_crt_t leaf, char *ret_text, size_t size)
{
	size_t used = size;

	if (gnutls_x509_crt_get_subject_alt_name(leaf, 0, ret_text, &used, NULL) == GNUTLS_SAN_DNSNAME && used < size) {
		ret_text[used] = '\0';
		return;
	}
	used = size;
	if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, ret_text, &used) < 0)
		ret_text[0] = '\0';
}

/* It goes into logs and onto terminals, and whoever signed the certificate chose it. */
static void print_subject(gnutls_x509_crt_t leaf, char *ret_text, size_t size)
{
	read_subject(leaf, ret_text, size);
	for (char *c = ret_text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static void describe(gnutls_x509_crt_t certificate, const uint8_t digest[static 32], struct tls_expiry *expiry)
{
	expiry->not_before = gnutls_x509_crt_get_activation_time(certificate);
	expiry->not_after = gnutls_x509_crt_get_expiration_time(certificate);
	expiry->seconds_left = expiry->not_after - (int64_t)time(NULL);
	print_subject(certificate, expiry->subject, sizeof(expiry->subject));
	print_digest(digest, expiry->fingerprint);
}

enum tls_status tls_ca_read(const char *pem, struct tls_expiry *ret_ca)
{
	struct chain chain = {0};
	uint8_t digest[32];
	enum tls_status status = import_chain(pem, 0, &chain);

	if (status == TLS_OK && (chain.count != 1 || gnutls_x509_crt_get_ca_status(chain.certificates[0], NULL) <= 0 ||
				 !digest_of(chain.certificates[0], digest)))
		status = TLS_CERTIFICATE;
	if (status == TLS_OK)
		describe(chain.certificates[0], digest, ret_ca);
	chain_done(&chain);
	return status;
}

static enum tls_status note_leaf(struct tls_credential *credential, gnutls_x509_crt_t leaf, bool aside)
{
	uint8_t *digest = credential->leaves[credential->leaf_count];
	const int64_t known = credential->expiry.not_after;

	if (!digest_of(leaf, digest))
		return TLS_INTERNAL;
	if (!aside && (known == 0 || gnutls_x509_crt_get_expiration_time(leaf) < known)) {
		credential->expiry_pair = (unsigned)credential->leaf_count;
		describe(leaf, digest, &credential->expiry);
	}
	credential->leaf_count++;
	return TLS_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static enum tls_status trust_clients(gnutls_certificate_credentials_t gnutls, const char *ca_pem, const char *crl_pem)
{
	gnutls_datum_t datum = text_datum(ca_pem);
	int count = gnutls_certificate_set_x509_trust_mem(gnutls, &datum, GNUTLS_X509_FMT_PEM);

	if (count <= 0)
		return from_code(count, TLS_CLIENT_CA);
	if (crl_pem) {
		datum = text_datum(crl_pem);
		count = gnutls_certificate_set_x509_crl_mem(gnutls, &datum, GNUTLS_X509_FMT_PEM);
		if (count <= 0)
			return from_code(count, TLS_CLIENT_CRL);
	}
	return TLS_OK;
}

enum tls_status tls_clients_check(const char *ca_pem, const char *crl_pem)
{
	gnutls_certificate_credentials_t gnutls = NULL;
	enum tls_status status = new_gnutls(&gnutls);

	if (status == TLS_OK)
		status = trust_clients(gnutls, ca_pem, crl_pem);
	if (gnutls)
		gnutls_certificate_free_credentials(gnutls);
	return status;
}

static enum tls_status add(struct tls_credential *credential, const struct tls_pair *pair)
{
	struct chain chain = {0};
	unsigned index;
	enum tls_status status = import_chain(pair->chain_pem, GNUTLS_X509_CRT_LIST_SORT, &chain);

	if (status == TLS_OK)
		status = add_pair(credential->gnutls, &chain, pair->key_pem, &index);
	if (status == TLS_OK)
		status = note_leaf(credential, chain.certificates[0], pair->aside);
	if (status == TLS_OK && pair->ocsp_der)
		status = add_staple(credential->gnutls, index, &chain, pair);
	chain_done(&chain);
	return status;
}

enum tls_status tls_credential_new(const struct tls_material *material, struct tls_credential **ret_credential)
{
	struct tls_credential *credential = calloc(1, sizeof(*credential));
	enum tls_status status;

	if (!credential)
		return TLS_NOMEM;
	atomic_init(&credential->references, 1);
	status = new_gnutls(&credential->gnutls);
	for (size_t i = 0; i < material->pair_count && status == TLS_OK; i++)
		status = add(credential, &material->pairs[i]);
	if (status == TLS_OK && material->client_ca_pem) {
		status = trust_clients(credential->gnutls, material->client_ca_pem, material->client_crl_pem);
		gnutls_certificate_get_trust_list(credential->gnutls, &credential->clients);
	}
	if (status != TLS_OK) {
		tls_credential_give(credential);
		return status;
	}
	*ret_credential = credential;
	return TLS_OK;
}

void tls_credential_give(struct tls_credential *credential)
{
	if (!credential || atomic_fetch_sub(&credential->references, 1) != 1)
		return;
	if (credential->gnutls)
		gnutls_certificate_free_credentials(credential->gnutls);
	free(credential);
}

static bool serves(const struct tls_credential *credential, const uint8_t digest[static 32])
{
	for (size_t i = 0; i < credential->leaf_count; i++)
		if (memcmp(credential->leaves[i], digest, 32) == 0)
			return true;
	return false;
}

enum tls_status tls_credential_check_dates(const struct tls_material *material, const struct tls_credential *served)
{
	enum tls_status status = TLS_OK;

	for (size_t i = 0; i < material->pair_count && status == TLS_OK; i++) {
		struct chain chain = {0};
		uint8_t digest[32];

		status = import_chain(material->pairs[i].chain_pem, GNUTLS_X509_CRT_LIST_SORT, &chain);
		if (status == TLS_OK && !(digest_of(chain.certificates[0], digest) && serves(served, digest)))
			status = check_dates(chain.certificates[0]);
		chain_done(&chain);
	}
	return status;
}
