#include "tests/unit/support/tls_pems.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

const char *const NAMES[NAME_COUNT] = {"records.example", "192.0.2.7", "2001:db8::7", "*.wide.example"};

gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

gnutls_x509_crt_t cert_of(const char *pem)
{
	gnutls_datum_t datum = datum_of(pem);
	gnutls_x509_crt_t cert;

	cr_assert_eq(gnutls_x509_crt_init(&cert), 0);
	cr_assert_eq(gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_PEM), 0);
	return cert;
}

struct tls_material material_of(const char *chain, const char *key)
{
	return (struct tls_material){.pairs = {{.chain_pem = chain, .key_pem = key}}, .pair_count = 1};
}

struct tls_context *context_of(const struct tls_pems *pems)
{
	const struct tls_material material = material_of(pems->leaf_cert, pems->leaf_key);
	struct tls_context *context = NULL;

	cr_assert_eq(tls_context_new(&material, TLS_LEAST_1_2, &context), TLS_OK);
	return context;
}

struct tls_pems make_pems(void)
{
	struct tls_pems pems = {0};

	cr_assert_eq(tls_local_ca_make(&pems), TLS_OK);
	cr_assert_eq(tls_local_leaf_make(&pems, NAMES, NAME_COUNT, LIFETIME), TLS_OK);
	return pems;
}
