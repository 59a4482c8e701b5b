/*
 * What an ACME client says to its hook (server/tls/acme_challenge.c): words, of which each input holds one a line. What
 * is understood names a file in the directory of challenges and no other, and a proof that the plain port can tell.
 */
#include <stdlib.h>
#include <string.h>

#include "server/http/port80_request.h"
#include "server/tls/acme_challenge.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS_MAX = 8 };

static bool is_base64url(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const char c = text[i], lower = (char)(c | 0x20);

		if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && c != '-' && c != '_')
			return false;
	}
	return true;
}

static int split(char *text, char *ret_words[static WORDS_MAX])
{
	int count = 0;

	for (char *word; count < WORDS_MAX && (word = strsep(&text, "\n")) != NULL;)
		ret_words[count++] = word;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *words[WORDS_MAX];
	struct acme_challenge challenge = {NULL, NULL};
	const int count = split(text, words);
	const enum acme_challenge_method method = acme_challenge_parse(count, words, &challenge);
	const bool understood = method == ACME_CHALLENGE_BEGIN || method == ACME_CHALLENGE_END;

	FUZZ_CHECK(understood == (challenge.token != NULL) && understood == (challenge.proof != NULL));
	FUZZ_CHECK(count == 5 || method == ACME_CHALLENGE_BAD);
	if (understood) {
		const size_t token_size = strlen(challenge.token);

		FUZZ_CHECK(strcmp(words[1], "http-01") == 0 &&
			   (strcmp(words[0], "begin") == 0) == (method == ACME_CHALLENGE_BEGIN));
		FUZZ_CHECK(token_size > 0 && token_size <= PORT80_TOKEN_MAX);
		FUZZ_CHECK(is_base64url(challenge.token, token_size));
		FUZZ_CHECK(strlen(challenge.proof) == token_size + 44 && strlen(challenge.proof) < PORT80_PROOF_MAX);
		FUZZ_CHECK(memcmp(challenge.proof, challenge.token, token_size) == 0);
		FUZZ_CHECK(challenge.proof[token_size] == '.' && is_base64url(challenge.proof + token_size + 1, 43));
	}
	free(text);
	return 0;
}
