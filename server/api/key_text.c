#include "server/api/key_text.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/api/accept.h"
#include "server/json/json.h"
#include "server/json/json_doc.h"

/* ---- in -----------------------------------------------------------------------------------------------------------
 */

/* RFC 7518 §6.3.2: any of these makes an RSA key private; "k" is a symmetric one (§6.4.1). */
static const char *const PRIVATE_MEMBERS[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

/* A Base64urlUInt of at most `cap` bytes. too_long: what it is when it has more. */
static enum pubkey_verdict read_number(const struct json_value *member, enum pubkey_verdict too_long,
				       uint8_t *ret_bytes, size_t cap, size_t *ret_size)
{
	const char *text;
	size_t size;

	if (json_doc_string(member, 1, KEY_TEXT_MAX, &text, &size) != JSON_DOC_OK)
		return PUBKEY_MALFORMED;
	if (size * 3 / 4 > cap)
		return too_long;
	return decode_base64url(text, size, ret_bytes, cap, ret_size) ? PUBKEY_OK : PUBKEY_MALFORMED;
}

static enum pubkey_verdict read_jwk(const struct json_value *root, struct rsakey_public **ret_key)
{
	uint8_t n[RSAKEY_MAX_SIZE + 64], e[64];
	size_t n_size, e_size, type_size;
	enum pubkey_verdict verdict;
	const char *type, *use;

	for (size_t i = 0; i < sizeof(PRIVATE_MEMBERS) / sizeof(PRIVATE_MEMBERS[0]); i++)
		if (json_doc_member(root, PRIVATE_MEMBERS[i]))
			return PUBKEY_PRIVATE;
	if (json_doc_string(json_doc_member(root, "kty"), 1, 64, &type, &type_size) != JSON_DOC_OK)
		return PUBKEY_MALFORMED;
	if (strcmp(type, "RSA") != 0)
		return PUBKEY_NOT_RSA;
	/* RFC 7517 §4.2: a key that its owner restricts to signatures cannot be sealed for. */
	if (json_doc_member(root, "use") &&
	    (json_doc_string(json_doc_member(root, "use"), 0, 64, &use, &type_size) != JSON_DOC_OK ||
	     strcmp(use, "enc") != 0))
		return PUBKEY_NOT_RSA;
	verdict = read_number(json_doc_member(root, "n"), PUBKEY_MODULUS_LONG, n, sizeof(n), &n_size);
	if (verdict != PUBKEY_OK)
		return verdict;
	verdict = read_number(json_doc_member(root, "e"), PUBKEY_EXPONENT_LARGE, e, sizeof(e), &e_size);
	if (verdict != PUBKEY_OK)
		return verdict;
	return pubkey_from_numbers(n, n_size, e, e_size, ret_key);
}

enum pubkey_verdict key_text_read(char *text, size_t size, struct rsakey_public **ret_key)
{
	enum pubkey_verdict verdict = PUBKEY_MALFORMED;
	struct json_doc *doc = NULL;

	if (text[strspn(text, " \t\r\n")] != '{')
		return pubkey_from_pem(text, size, ret_key);
	switch (json_doc_parse(text, size, &doc)) {
	case JSON_DOC_OK:
		verdict = read_jwk(json_doc_root(doc), ret_key);
		break;
	case JSON_DOC_NOMEM:
		verdict = PUBKEY_NOMEM;
		break;
	default:
		break;
	}
	json_doc_free(doc);
	if (verdict == PUBKEY_PRIVATE)
		secret_wipe(text, size);
	return verdict;
}

/* ---- out ----------------------------------------------------------------------------------------------------------
 */

char *key_text_jwk(const struct rsakey_public *key, size_t *ret_size)
{
	const uint32_t exponent = rsakey_public_exponent(key);
	uint8_t n[RSAKEY_MAX_SIZE], e[4];
	char n_text[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)], e_text[ENCODE_BASE64_SIZE(4)];
	size_t skip = 0;
	struct json *doc = json_new();
	char *text;

	for (size_t i = 0; i < sizeof(e); i++)
		e[i] = (uint8_t)(exponent >> (24 - 8 * i));
	while (skip < sizeof(e) - 1 && e[skip] == 0)
		skip++;
	rsakey_public_modulus(key, n);
	encode_base64url(n, rsakey_public_size(key), n_text);
	encode_base64url(e + skip, sizeof(e) - skip, e_text);
	json_text(doc, "kty", "RSA");
	json_text(doc, "n", n_text);
	json_text(doc, "e", e_text);
	text = json_print(doc, ret_size);
	json_free(doc);
	return text;
}

bool key_text_wants_jwk(const struct http_exchange *x)
{
	const char *accept = http_header(x, "Accept", NULL);
	const unsigned jwk = accept_quality(accept, KEY_TEXT_JWK), json = accept_quality(accept, "application/json");

	return (jwk > json ? jwk : json) > accept_quality(accept, KEY_TEXT_PEM);
}

void key_text_reply(struct call *call, const struct rsakey_public *key, bool jwk)
{
	char fingerprint[2 * DIGEST_SIZE + 1];
	uint8_t id[DIGEST_SIZE];
	char *text = NULL;
	size_t size = 0;

	if (jwk)
		text = key_text_jwk(key, &size);
	else if (pubkey_to_pem(key, &text, &size) != CRYPTO_OK)
		text = NULL;
	if (!text) {
		call_refuse(call, CORE_NOMEM);
		return;
	}
	http_reply_bytes(call->x, 200, jwk ? KEY_TEXT_JWK : KEY_TEXT_PEM, text, size);
	free(text);
	rsakey_public_id(key, id);
	encode_hex(id, sizeof(id), fingerprint);
	http_reply_header(call->x, "Coffer-Fingerprint", "%s", fingerprint);
	http_reply_header(call->x, "Vary", "Accept");
}
