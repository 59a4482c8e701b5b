/*
 * Challenges of ACME by HTTP (RFC 8555 §8.3): a CA asks for a token and wants its proof, the key authorisation. The
 * ACME client tells both to the program that it is given as its hook, which puts each proof into a file named by its
 * token; the plain port reads it there. Nothing of it is secret, yet nobody else may write: the directory has mode
 * 0700.
 */
#ifndef COFFER_TLS_ACME_CHALLENGE_H
#define COFFER_TLS_ACME_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	ACME_CHALLENGE_TOKEN_MAX = 128,					  /* characters */
	ACME_CHALLENGE_PROOF_MAX = ACME_CHALLENGE_TOKEN_MAX + 1 + 43 + 1, /* and a terminator */
};

/* ---- what the client says to its hook ---------------------------------------------------------------------------- */

enum acme_challenge_method {
	ACME_CHALLENGE_BEGIN,
	ACME_CHALLENGE_END,	/* done or failed */
	ACME_CHALLENGE_DECLINE, /* by another means than HTTP */
	ACME_CHALLENGE_BAD,	/* none of what the client says */
};

struct acme_challenge {
	const char *token, *proof; /* of the arguments */
};

/*
 * The arguments of a hook of uacme: begin, done or failed; the type; the name; the token, of 1 to 128 letters, digits,
 * - and _; the proof: the token, a full stop and a SHA-256 in base64url. ret_challenge: for BEGIN and END.
 */
enum acme_challenge_method acme_challenge_parse(int count, char *const *arguments,
						struct acme_challenge *ret_challenge);

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Each false with errno. The file is whole, or not there. */
__attribute__((warn_unused_result)) bool acme_challenge_put(const char *directory,
							    const struct acme_challenge *challenge);
__attribute__((warn_unused_result)) bool acme_challenge_remove(const char *directory, const char *token);
/* Whether there is one for this token, which may be any text. */
bool acme_challenge_get(const char *directory, const char *token, char ret_proof[static ACME_CHALLENGE_PROOF_MAX]);
/* Removes what clients that were cut off have left. */
__attribute__((warn_unused_result)) bool acme_challenge_clear(const char *directory);

#endif
