/*
 * What every fallible function of crypto/ returns. The list is closed: the server maps it to
 * problems in one switch without a default.
 */
#ifndef COFFER_CRYPTO_STATUS_H
#define COFFER_CRYPTO_STATUS_H

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum crypto_status {
	CRYPTO_OK = 0,
	CRYPTO_NOMEM,  /* memory ran out; nothing was written */
	CRYPTO_RANDOM, /* the system's random generator failed */
	CRYPTO_AUTH,   /* a tag, MAC, commitment, signature or OAEP encoding did not verify: one code whatever the check
			*/
	CRYPTO_FORMAT, /* the input has not the shape that its format demands */
	CRYPTO_KEY,    /* a key is of the wrong kind or size, or out of the accepted range */
	CRYPTO_LOCKED, /* a private key is encrypted and no passphrase, or the wrong one, was given */
};

/* A lower-case phrase for messages; never NULL. */
const char *crypto_status_text(enum crypto_status status);

#endif
