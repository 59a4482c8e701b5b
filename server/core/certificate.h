/* Accounts that authenticate by a client certificate: one whose names name exactly one account. */
#ifndef COFFER_CORE_CERTIFICATE_H
#define COFFER_CORE_CERTIFICATE_H

#include <stddef.h>

#include "server/core/account.h"

/*
 * Looks up the account of a certificate that has been verified: the names of its subject, and SHA-256 of it. A name
 * counts when it is, case folded, that of an account. The principal has all the account's scopes; its token_id is the
 * first 16 bytes of the fingerprint, so that the audit log tells which certificate it was. CORE_DENIED: the names are
 * nobody's, or those of several accounts, or the account is disabled. CORE_DAMAGED.
 */
MUST_CHECK enum core_status certificate_authenticate(const struct vault *vault, struct store_view *view,
						     const char *const *names, size_t count,
						     const uint8_t fingerprint[static 32],
						     struct principal *ret_principal);

#endif
