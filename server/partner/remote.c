#include "server/partner/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/oaep.h"
#include "crypto/pss.h"
#include "crypto/pubkey.h"
#include "crypto/secret.h"
#include "server/core/account.h"
#include "server/core/login.h"

enum { TEXT_MAX = 600, CHALLENGE_BYTES = 32 };

void remote_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

bool remote_open(struct remote *remote, bool (*stop)(void), struct complaint *complaint)
{
	char ca[PROFILE_PATH_MAX];
	char *token = NULL;
	size_t token_size = 0;
	struct client_options options = {.url = remote->profile->origin, .ca_file = ca, .stop = stop};
	bool good;

	profile_path(remote->profile, "ca.pem", ca);
	if (access(ca, F_OK) != 0)
		options.ca_file = NULL;
	if (!profile_token(remote->profile, &token, &token_size, complaint))
		return false;
	options.token = token;
	good = client_new(&options, &remote->client, complaint->text, sizeof(complaint->text));
	secret_free(token, token_size);
	return good;
}

void remote_close(struct remote *remote)
{
	client_free(remote->client);
	remote->client = NULL;
}

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

bool remote_refused(const struct client_reply *reply, const char *what, struct complaint *complaint)
{
	struct json_doc *doc = NULL;
	char title[TEXT_MAX] = "", detail[TEXT_MAX] = "";

	if (json_doc_parse(reply->body, reply->size, &doc) == JSON_DOC_OK) {
		if (!state_text(doc, "title", sizeof(title) - 1, title))
			title[0] = '\0';
		if (!state_text(doc, "detail", sizeof(detail) - 1, detail))
			detail[0] = '\0';
	}
	json_doc_free(doc);
	remote_clean(title);
	remote_clean(detail);
	return complain(complaint, "%s: the server answered %ld%s%s%s%s%s", what, reply->status, *title ? ", " : "",
			title, *detail ? " (" : "", detail, *detail ? ")" : "");
}

/* The JSON of a reply with this status; false with a complaint. */
static bool read_reply(const struct client_reply *reply, long status, const char *what, struct json_doc **ret_doc,
		       struct complaint *complaint)
{
	if (reply->status != status)
		return remote_refused(reply, what, complaint);
	if (json_doc_parse(reply->body, reply->size, ret_doc) == JSON_DOC_OK)
		return true;
	return complain(complaint, "%s: the server's answer is not what a coffer server says", what);
}

bool remote_ask_openly(struct remote *remote, const struct client_request *request, struct client_reply *ret_reply,
		       struct complaint *complaint)
{
	return client_set_token(remote->client, NULL, complaint->text, sizeof(complaint->text)) &&
	       client_send(remote->client, request, ret_reply, complaint->text, sizeof(complaint->text));
}

bool remote_ask(struct remote *remote, const struct client_request *request, struct client_reply *ret_reply,
		struct complaint *complaint)
{
	if (!client_send(remote->client, request, ret_reply, complaint->text, sizeof(complaint->text)))
		return false;
	if (ret_reply->status != 401)
		return true;
	client_reply_done(ret_reply);
	return remote_login(remote, complaint) &&
	       client_send(remote->client, request, ret_reply, complaint->text, sizeof(complaint->text));
}

/* ---- login --------------------------------------------------------------------------------------------------------
 */

struct challenge {
	char id[40];
	uint8_t raw_id[16];
	uint8_t sealed[RSAKEY_MAX_SIZE];
	size_t size;
};

static bool ask_challenge(struct remote *remote, struct challenge *ret_challenge, struct complaint *complaint)
{
	struct json *doc = json_new();
	struct json_doc *answer = NULL;
	struct client_reply reply = {0};
	struct client_request request = {.method = "POST", .path = "/v1/login", .media_type = "application/json"};
	char sealed[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)];
	char *body;
	bool good;

	json_text(doc, "account", remote->profile->name);
	request.body = body = json_print(doc, &request.size);
	json_free(doc);
	if (!body)
		return complain(complaint, "out of memory");
	good = remote_ask_openly(remote, &request, &reply, complaint) &&
	       read_reply(&reply, 201, "logging in", &answer, complaint);
	free(body);
	if (good && !(state_text(answer, "id", 36, ret_challenge->id) &&
		      decode_uuid(ret_challenge->id, ret_challenge->raw_id) &&
		      state_text(answer, "challenge", sizeof(sealed) - 1, sealed) &&
		      decode_base64(sealed, strlen(sealed), ret_challenge->sealed, sizeof(ret_challenge->sealed),
				    &ret_challenge->size)))
		good = complain(complaint, "logging in: the server's challenge is malformed");
	json_doc_free(answer);
	client_reply_done(&reply);
	return good;
}

/*
 * The label is built from the origin that was dialled and the name that is one's own: a challenge for another server,
 * or a message that somebody stored, does not open under it.
 */
static bool open_challenge(struct remote *remote, const struct challenge *challenge, char ret_answer[static 65],
			   struct complaint *complaint)
{
	const struct rsakey_private *key;
	char label[LOGIN_LABEL_MAX];
	uint8_t opened[RSAKEY_MAX_SIZE], digest[DIGEST_SIZE];
	size_t label_size, size = 0;
	enum crypto_status status;

	if (!remote->load_key(remote->arg, &key, complaint))
		return false;
	login_label(client_origin(remote->client), remote->profile->name, challenge->raw_id, label, &label_size);
	status = oaep_decrypt(key, OAEP_SHA256, label, label_size, challenge->sealed, challenge->size, opened, &size);
	if (status == CRYPTO_OK && size == CHALLENGE_BYTES) {
		digest_sha256(opened, size, digest);
		encode_hex(digest, sizeof(digest), ret_answer);
	}
	secret_wipe(opened, sizeof(opened));
	if (status == CRYPTO_OK && size == CHALLENGE_BYTES)
		return true;
	return complain(
		complaint,
		"logging in: what the server sent is no challenge of %s for %s and this key, and was not answered",
		client_origin(remote->client), remote->profile->name);
}

static bool answer_challenge(struct remote *remote, const struct challenge *challenge, const char *answer,
			     char ret_token[static ACCOUNT_TOKEN_CHARS + 1], struct complaint *complaint)
{
	struct client_reply reply = {0};
	struct json_doc *doc = NULL;
	char path[64], body[128];
	const struct client_request request = {
		.method = "POST",
		.path = path,
		.media_type = "application/json",
		.body = body,
		.size = (size_t)snprintf(body, sizeof(body), "{\"answer\":\"%s\"}", answer)};
	bool good;

	snprintf(path, sizeof(path), "/v1/login/%s", challenge->id);
	good = remote_ask_openly(remote, &request, &reply, complaint) &&
	       read_reply(&reply, 201, "logging in", &doc, complaint);
	if (good && !state_text(doc, "token", ACCOUNT_TOKEN_CHARS, ret_token))
		good = complain(complaint, "logging in: the server gave no token");
	json_doc_free(doc);
	client_reply_done(&reply);
	return good;
}

bool remote_login(struct remote *remote, struct complaint *complaint)
{
	struct challenge challenge = {.size = 0};
	char answer[2 * DIGEST_SIZE + 1], token[ACCOUNT_TOKEN_CHARS + 1] = "";
	bool good = ask_challenge(remote, &challenge, complaint) &&
		    open_challenge(remote, &challenge, answer, complaint) &&
		    answer_challenge(remote, &challenge, answer, token, complaint) &&
		    profile_set_token(remote->profile, token, complaint) &&
		    client_set_token(remote->client, token, complaint->text, sizeof(complaint->text));

	secret_wipe(token, sizeof(token));
	return good;
}

/* ---- names and keys ------------------------------------------------------------------------------------------------
 */

bool remote_join(struct remote *remote, const char *secret, long *ret_status, struct complaint *complaint)
{
	const struct rsakey_private *key;
	const struct rsakey_public *public;
	uint8_t id[DIGEST_SIZE], signature[RSAKEY_MAX_SIZE];
	char hex[2 * DIGEST_SIZE + 1], proof[DIRECTORY_PROOF_MAX], path[128];
	char signed_line[64 + ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)] = "Coffer-Key-Signature: ";
	char invite_line[128];
	const char *headers[] = {signed_line, secret ? invite_line : NULL, NULL};
	struct client_request request = {
		.method = "PUT", .path = path, .media_type = "application/x-pem-file", .headers = headers};
	struct client_reply reply = {0};
	char *pem = NULL;
	bool good;

	if (!remote->load_key(remote->arg, &key, complaint))
		return false;
	public = rsakey_private_public(key);
	rsakey_public_id(public, id);
	encode_hex(id, sizeof(id), hex);
	snprintf(proof, sizeof(proof), "coffer-key-v1\n%s\n%s\nnone\n%s\n1\n", client_origin(remote->client),
		 remote->profile->name, hex);
	if (pss_sign(key, proof, strlen(proof), signature) != CRYPTO_OK ||
	    pubkey_to_pem(public, &pem, &request.size) != CRYPTO_OK)
		return complain(complaint, "the proof of the key could not be made");
	request.body = pem;
	encode_base64(signature, rsakey_public_size(public), signed_line + strlen(signed_line));
	snprintf(invite_line, sizeof(invite_line), "Coffer-Invite: %s", secret ? secret : "");
	snprintf(path, sizeof(path), "/v1/keys/%s", remote->profile->name);
	good = remote_ask_openly(remote, &request, &reply, complaint);
	secret_wipe(invite_line, sizeof(invite_line));
	free(pem);
	if (!good)
		return false;
	*ret_status = reply.status;
	good = reply.status == 201 || remote_refused(&reply, "joining", complaint);
	client_reply_done(&reply);
	return good;
}

bool remote_key(struct remote *remote, const char *name, struct rsakey_public **ret_key, struct complaint *complaint)
{
	char path[128];
	static const char *const HEADERS[] = {"Accept: application/x-pem-file", NULL};
	const struct client_request request = {.method = "GET", .path = path, .headers = HEADERS};
	struct client_reply reply = {0};
	enum pubkey_verdict verdict;
	bool good = true;

	snprintf(path, sizeof(path), "/v1/keys/%s", name);
	if (!remote_ask(remote, &request, &reply, complaint))
		return false;
	if (reply.status == 404) {
		good = complain(complaint, "%s has nobody by the name of %s", remote->profile->origin, name);
	} else if (reply.status != 200) {
		good = remote_refused(&reply, "asking for the key", complaint);
	} else {
		verdict = pubkey_from_pem(reply.body, reply.size, ret_key);
		if (verdict != PUBKEY_OK)
			good = complain(complaint, "the server's key for %s: %s", name, pubkey_verdict_text(verdict));
	}
	client_reply_done(&reply);
	return good;
}
