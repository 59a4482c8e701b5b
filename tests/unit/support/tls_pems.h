/* Certificates for tests: each with a CA of its own. */
#ifndef COFFER_TESTS_TLS_PEMS_H
#define COFFER_TESTS_TLS_PEMS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "server/tls/local_ca.h"

enum { DAY = 86400, LIFETIME = 397 * DAY, LEFT = 30 * DAY, NAME_COUNT = 4 };
extern const char *const NAMES[NAME_COUNT];

gnutls_datum_t datum_of(const char *text);
gnutls_x509_crt_t cert_of(const char *pem);
/* For the names above, with a whole LIFETIME. */
struct tls_pems make_pems(void);
struct tls_material material_of(const char *chain, const char *key);
struct tls_context *context_of(const struct tls_pems *pems);

#endif
