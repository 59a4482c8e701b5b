/* Fingerprints of public keys for people: the bytes are rsakey_public_id()'s. */
#ifndef COFFER_CRYPTO_FINGERPRINT_H
#define COFFER_CRYPTO_FINGERPRINT_H

#include <stdint.h>

#include "crypto/digest.h"

/* 16 groups of five digits, the spaces between them, and a terminator. */
enum { FINGERPRINT_DIGITS_SIZE = DIGEST_SIZE / 2 * 6 };

/* For reading aloud: each two bytes, big-endian, as five decimal digits, 00000 to 65535; nothing is lost. */
void fingerprint_digits(const uint8_t id[static DIGEST_SIZE], char ret_text[static FINGERPRINT_DIGITS_SIZE]);

#endif
