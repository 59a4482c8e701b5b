#include "server/partner/invite_text.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

static bool read_members(const struct json_doc *doc, struct invite_text *invite)
{
	char ca[2 * DIGEST_SIZE + 1], name[DIRECTORY_NAME_MAX + 1];

	if (!state_text(doc, "origin", sizeof(invite->origin) - 1, invite->origin) ||
	    !state_text(doc, "ca", sizeof(ca) - 1, ca) || !state_text(doc, "name", sizeof(name) - 1, name) ||
	    !state_text(doc, "secret", sizeof(invite->secret) - 1, invite->secret))
		return false;
	invite->has_ca = ca[0] != '\0';
	return directory_name(name, invite->name) && strncmp(invite->origin, "https://", 8) == 0 &&
	       strlen(invite->secret) == INVITE_SECRET_CHARS && !strpbrk(invite->secret, "\r\n") &&
	       (!invite->has_ca || decode_hex(ca, strlen(ca), invite->ca, sizeof(invite->ca)));
}

bool invite_text_read(const char *text, struct invite_text *ret_invite, struct complaint *complaint)
{
	static const char PREFIX[] = "coffer-invite-v1.";
	struct invite_text invite = {.has_ca = false};
	struct json_doc *doc = NULL;
	char members[2048];
	size_t size = 0;
	bool good = false;

	text += strspn(text, " \t\r\n");
	if (strncmp(text, PREFIX, sizeof(PREFIX) - 1) == 0) {
		text += sizeof(PREFIX) - 1;
		good = decode_base64url(text, strcspn(text, " \t\r\n"), members, sizeof(members), &size) &&
		       json_doc_parse(members, size, &doc) == JSON_DOC_OK && read_members(doc, &invite);
	}
	json_doc_free(doc);
	secret_wipe(members, sizeof(members));
	if (good)
		*ret_invite = invite;
	secret_wipe(&invite, sizeof(invite));
	return good || complain(complaint, "that is no invite: it begins with %s and is one line", PREFIX);
}
