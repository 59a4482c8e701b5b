/*
 * Logging in by opening a sealed challenge (FORMATS §5). A challenge is 32 random bytes under RSAES-OAEP (SHA-256,
 * MGF1-SHA-256) with the label "coffer-login-v1\n<origin>\n<account>\n<challenge id>"; the answer is SHA-256 of the
 * bytes. Challenges live in memory only, and are good for one try. There is room for LOGIN_CHALLENGES; the oldest make
 * way for new ones, so that those who ask without end do not keep others out who answer at once. Any thread.
 */
#ifndef COFFER_CORE_LOGIN_H
#define COFFER_CORE_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/directory.h"

enum { LOGIN_CHALLENGES = 16384, LOGIN_LABEL_MAX = 512 };

struct login;

/* ttl_ms: how long an answer is waited for. NULL when memory runs out. */
struct login *login_new(int64_t ttl_ms);
/* Wipes; NULL is accepted. */
void login_free(struct login *login);

/* The label, without a terminator's worth in *ret_size. */
void login_label(const char *origin, const char *account, const uint8_t id[static 16],
		 char ret_label[static LOGIN_LABEL_MAX], size_t *ret_size);

struct login_offer {
	uint8_t id[16];
	int64_t expires_ms;
	size_t size; /* of the challenge: that of the key's modulus */
	uint8_t challenge[RSAKEY_MAX_SIZE];
};
/* CORE_INTERNAL, CORE_NOMEM. */
MUST_CHECK enum core_status login_challenge(struct login *login, const char *origin,
					    const struct directory_entry *entry, const struct rsakey_public *key,
					    struct login_offer *ret_offer);

/*
 * Takes a challenge out, whatever the answer is. CORE_NOT_FOUND: unknown, used, or too old. CORE_DENIED: wrong answer.
 * ret_entry: whose it was, as of the moment of the offer: the caller compares its key with the one of now.
 */
MUST_CHECK enum core_status login_answer(struct login *login, const uint8_t id[static 16],
					 const uint8_t answer[static DIGEST_SIZE], struct directory_entry *ret_entry);

#endif
