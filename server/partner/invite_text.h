/* An invite as its holder has it: "coffer-invite-v1." and base64url of a JSON object (server/core/invite.h). */
#ifndef COFFER_PARTNER_INVITE_TEXT_H
#define COFFER_PARTNER_INVITE_TEXT_H

#include "server/core/directory.h"
#include "server/core/invite.h"
#include "server/partner/state.h"

/* To be wiped: it holds the secret. */
struct invite_text {
	char origin[DIRECTORY_ORIGIN_MAX + 1];
	bool has_ca;
	uint8_t ca[DIGEST_SIZE]; /* SHA-256 of the CA's certificate */
	char name[DIRECTORY_NAME_MAX + 1];
	char secret[INVITE_SECRET_CHARS + 1];
};

/* White space around it is ignored. False with a complaint, which repeats nothing of it. */
bool invite_text_read(const char *text, struct invite_text *ret_invite, struct complaint *complaint);

#endif
