/*
 * Invites as their holders have them (server/partner/invite_text.h). The data is tried as it is, and as the JSON within
 * one. What is read can stand in a line that is signed, in a header and on a terminal; what is not leaves no trace.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/partner/invite_text.h"
#include "tests/fuzz/fuzz.h"

static bool visible(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || *text == '"')
			return false;
	return true;
}

static bool check(const char *text)
{
	struct invite_text invite, before;
	struct complaint complaint = {""};
	char name[DIRECTORY_NAME_MAX + 1];
	bool good;

	memset(&invite, 0x5a, sizeof(invite));
	before = invite;
	good = invite_text_read(text, &invite, &complaint);
	FUZZ_CHECK(good == (complaint.text[0] == '\0'));
	if (!good) {
		FUZZ_CHECK(memcmp(&invite, &before, sizeof(invite)) == 0);
		return false;
	}
	FUZZ_CHECK(strncmp(invite.origin, "https://", 8) == 0 && visible(invite.origin));
	FUZZ_CHECK(directory_name(invite.name, name) && strcmp(name, invite.name) == 0);
	FUZZ_CHECK(strlen(invite.secret) == INVITE_SECRET_CHARS && visible(invite.secret));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char PREFIX[] = "coffer-invite-v1.";
	char *text = fuzz_text(data, size), *wrapped = malloc(sizeof(PREFIX) + 2 * size + 8);

	FUZZ_CHECK(wrapped != NULL);
	(void)check(text);
	memcpy(wrapped, PREFIX, sizeof(PREFIX));
	encode_base64url(data, size, wrapped + strlen(wrapped));
	(void)check(wrapped);
	free(wrapped);
	free(text);
	return 0;
}
