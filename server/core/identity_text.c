#include "server/core/identity_text.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/core/checkpoint.h"
#include "server/core/clock.h"
#include "server/json/json_doc.h"

static const uint8_t NONE[IDENTITY_PUBLIC_SIZE];

static void put_hex(struct json *doc, const char *name, const void *bytes, size_t size)
{
	char text[2 * IDENTITY_SIGNATURE_SIZE + 1];

	encode_hex(bytes, size, text);
	json_text(doc, name, text);
}

static void put_time(struct json *doc, const char *name, int64_t ms)
{
	char text[25];

	clock_rfc3339(ms, text);
	json_text(doc, name, text);
}

static void put_key(struct json *doc, const struct store_identity *key)
{
	uint8_t id[DIGEST_SIZE];

	checkpoint_key_id(key->public_key, id);
	json_open_object(doc, NULL);
	put_hex(doc, "id", id, sizeof(id));
	json_text(doc, "algorithm", "Ed25519");
	put_hex(doc, "public_key", key->public_key, sizeof(key->public_key));
	json_text(doc, "state", key->state == STORE_IDENTITY_CURRENT ? "current" : "retired");
	put_time(doc, "since", key->created_ms);
	if (key->state == STORE_IDENTITY_RETIRED) {
		put_time(doc, "until", key->retired_ms);
		json_number(doc, "last_event", key->last_event);
	}
	if (memcmp(key->previous, NONE, sizeof(NONE)) != 0) {
		put_hex(doc, "previous", key->previous, sizeof(key->previous));
		put_hex(doc, "endorsement", key->endorsement, sizeof(key->endorsement));
	}
	json_close(doc);
}

void identity_text_members(struct json *doc, const struct vault *vault)
{
	char store[ENCODE_UUID_CHARS + 1];
	struct store_identity own;

	encode_uuid(vault->store_id, store);
	json_text(doc, "store", store);
	json_open_array(doc, "identity_keys");
	if (!vault->identities) {
		identities_endorse(vault, NULL, vault->identity, 0, &own);
		put_key(doc, &own);
	}
	for (size_t i = 0; vault->identities && i < vault->identities->count; i++)
		put_key(doc, &vault->identities->keys[i]);
	json_close(doc);
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static bool get_hex(const struct json_value *object, const char *name, void *ret_bytes, size_t size)
{
	const char *text;
	size_t length;

	return json_doc_string(json_doc_member(object, name), 2 * size, 2 * size, &text, &length) == JSON_DOC_OK &&
	       decode_hex(text, length, ret_bytes, size);
}

static bool get_time(const struct json_value *object, const char *name, int64_t *ret_ms)
{
	const char *text;
	size_t length;

	return json_doc_string(json_doc_member(object, name), 20, 24, &text, &length) == JSON_DOC_OK &&
	       clock_parse_rfc3339(text, ret_ms);
}

static bool get_key(const struct json_value *object, struct store_identity *ret_key)
{
	struct store_identity key = {.state = STORE_IDENTITY_CURRENT};
	const char *state;
	int64_t last = 0;
	size_t length;

	if (!get_hex(object, "public_key", key.public_key, sizeof(key.public_key)) ||
	    json_doc_string(json_doc_member(object, "state"), 7, 7, &state, &length) != JSON_DOC_OK)
		return false;
	/* An answer of a server before keys were replaced has no times. */
	if (json_doc_member(object, "since") && !get_time(object, "since", &key.created_ms))
		return false;
	if (strcmp(state, "retired") == 0) {
		key.state = STORE_IDENTITY_RETIRED;
		if (!get_time(object, "until", &key.retired_ms) ||
		    json_doc_integer(json_doc_member(object, "last_event"), 0, INT64_MAX, &last) != JSON_DOC_OK)
			return false;
		key.last_event = (uint64_t)last;
	} else if (strcmp(state, "current") != 0) {
		return false;
	}
	if (json_doc_member(object, "previous") &&
	    (!get_hex(object, "previous", key.previous, sizeof(key.previous)) ||
	     !get_hex(object, "endorsement", key.endorsement, sizeof(key.endorsement))))
		return false;
	*ret_key = key;
	return true;
}

bool identity_text_parse(const char *text, size_t size, uint8_t ret_store_id[static 16],
			 struct identities *ret_identities)
{
	struct json_doc *doc = NULL;
	const struct json_value *key = NULL;
	const char *store;
	size_t length;
	bool good;

	if (json_doc_parse(text, size, &doc) != JSON_DOC_OK)
		return false;
	ret_identities->count = 0;
	good = json_doc_string(json_doc_member(json_doc_root(doc), "store"), ENCODE_UUID_CHARS, ENCODE_UUID_CHARS,
			       &store, &length) == JSON_DOC_OK &&
	       decode_uuid(store, ret_store_id) &&
	       json_doc_array(json_doc_member(json_doc_root(doc), "identity_keys"), 1, IDENTITIES_MAX, &key) ==
		       JSON_DOC_OK;
	for (; good && key; key = json_doc_next(key))
		good = get_key(key, &ret_identities->keys[ret_identities->count++]);
	json_doc_free(doc);
	return good;
}
