#include "server/partner/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/client/client.h"
#include "server/core/files.h"

enum { BASE64_MAX = 8192, DER_MAX = BASE64_MAX / 4 * 3, LINE = 64 };

static const char BEGIN[] = "-----BEGIN CERTIFICATE-----", END[] = "-----END CERTIFICATE-----";

/* The base64 of the first block, without its line ends. */
static bool first_block(const char *text, char ret_base64[static BASE64_MAX + 1])
{
	const char *from = strstr(text, BEGIN), *to = from ? strstr(from, END) : NULL;
	size_t size = 0;

	if (!to)
		return false;
	for (const char *c = from + sizeof(BEGIN) - 1; c < to; c++) {
		if (*c == '\n' || *c == '\r')
			continue;
		if (size == BASE64_MAX)
			return false;
		ret_base64[size++] = *c;
	}
	ret_base64[size] = '\0';
	return true;
}

static char *make_pem(const char *base64)
{
	const size_t size = strlen(base64);
	const size_t room = sizeof(BEGIN) + sizeof(END) + size + size / LINE + 2;
	char *pem = malloc(room);
	size_t used;

	if (!pem)
		return NULL;
	used = (size_t)snprintf(pem, room, "%s\n", BEGIN);
	for (size_t i = 0; i < size; i += LINE)
		used += (size_t)snprintf(pem + used, room - used, "%.*s\n", LINE, base64 + i);
	snprintf(pem + used, room - used, "%s\n", END);
	return pem;
}

char *authority_pem(const char *text, size_t size, const uint8_t fingerprint[static DIGEST_SIZE])
{
	char base64[BASE64_MAX + 1];
	uint8_t der[DER_MAX], digest[DIGEST_SIZE];
	size_t der_size;

	if (strlen(text) != size || !first_block(text, base64) ||
	    !decode_base64(base64, strlen(base64), der, sizeof(der), &der_size))
		return NULL;
	digest_sha256(der, der_size, digest);
	return secret_equal(digest, fingerprint, sizeof(digest)) ? make_pem(base64) : NULL;
}

bool authority_fetch(const struct profile *profile, const char *url, const uint8_t fingerprint[static DIGEST_SIZE],
		     struct complaint *complaint)
{
	const struct client_options options = {.url = url, .unverified = true};
	const struct client_request request = {.method = "GET", .path = "/v1/ca"};
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	struct client_reply reply = {0};
	struct client *client = NULL;
	char path[PROFILE_PATH_MAX];
	char *pem = NULL;
	bool good;

	good = client_new(&options, &client, complaint->text, sizeof(complaint->text)) &&
	       client_send(client, &request, &reply, complaint->text, sizeof(complaint->text));
	client_free(client);
	if (!good)
		return false;
	if (reply.status == 200)
		pem = authority_pem(reply.body, reply.size, fingerprint);
	client_reply_done(&reply);
	if (!pem)
		return complain(complaint,
				"%s is NOT the server that was meant: it shows no CA with that fingerprint. Nothing "
				"was sent",
				url);
	profile_path(profile, "ca.pem", path);
	good = files_write(path, 0600, pem, strlen(pem), &error) == CORE_OK;
	free(pem);
	return good;
}
