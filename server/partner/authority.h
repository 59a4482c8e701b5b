/*
 * The CA that a server is verified by, fetched from the server itself: over a connection that proves nothing, and kept
 * only if it has the fingerprint that an invite, or the user, says.
 */
#ifndef COFFER_PARTNER_AUTHORITY_H
#define COFFER_PARTNER_AUTHORITY_H

#include "server/partner/profile.h"

/* Writes the profile's ca.pem. fingerprint: SHA-256 of the certificate's DER. False with a complaint. */
bool authority_fetch(const struct profile *profile, const char *url, const uint8_t fingerprint[static DIGEST_SIZE],
		     struct complaint *complaint);

/*
 * The certificate in the PEM block of `text` (`size` bytes, terminated) whose fingerprint is this one, as PEM of its
 * own to be freed with free(). Only what was hashed is in it: whatever else stands in `text` may be an attacker's, and
 * what reads PEM finds blocks under more than one name, and behind a NUL. NULL: there is none, or no memory.
 */
char *authority_pem(const char *text, size_t size, const uint8_t fingerprint[static DIGEST_SIZE]);

#endif
