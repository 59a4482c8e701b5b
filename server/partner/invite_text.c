#include "server/partner/invite_text.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

/* Nothing that could command a terminal, or end a line of what is signed; the client judges the rest. */
static bool is_origin(const char *text)
{
	static const char SCHEME[] = "https://";
	static const char REST[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";

	if (strncmp(text, SCHEME, sizeof(SCHEME) - 1) != 0)
		return false;
	text += sizeof(SCHEME) - 1;
	return *text && text[strspn(text, REST)] == '\0';
}

static bool is_secret(const char *text)
{
	static const char BASE64URL[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return strlen(text) == INVITE_SECRET_CHARS && strspn(text, BASE64URL) == INVITE_SECRET_CHARS;
}

static bool read_members(const struct json_doc *doc, struct invite_text *invite)
{
	static const char *const KNOWN[] = {"origin", "ca", "name", "role", "secret", NULL};
	char ca[2 * DIGEST_SIZE + 1], name[DIRECTORY_NAME_MAX + 1], role[16];

	if (json_doc_only(json_doc_root(doc), KNOWN) != JSON_DOC_OK ||
	    !state_text(doc, "origin", sizeof(invite->origin) - 1, invite->origin) ||
	    !state_text(doc, "ca", sizeof(ca) - 1, ca) || !state_text(doc, "name", sizeof(name) - 1, name) ||
	    !state_text(doc, "role", sizeof(role) - 1, role) ||
	    !state_text(doc, "secret", sizeof(invite->secret) - 1, invite->secret))
		return false;
	invite->has_ca = ca[0] != '\0';
	return directory_name(name, invite->name) && strcmp(role, "partner") == 0 && is_origin(invite->origin) &&
	       is_secret(invite->secret) &&
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
