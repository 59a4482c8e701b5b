#include "server/core/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "crypto/wire.h"
#include "server/core/audit_read.h"
#include "server/core/clock.h"
#include "server/json/json.h"
#include "server/json/json_doc.h"

enum { SIGNED_MAX = 256 };

static const char PURPOSE[] = "coffer-audit-checkpoint-v1";

void checkpoint_key_id(const uint8_t public_key[static IDENTITY_PUBLIC_SIZE], uint8_t ret_id[static DIGEST_SIZE])
{
	digest_sha256(public_key, IDENTITY_PUBLIC_SIZE, ret_id);
}

static size_t signed_bytes(const struct checkpoint *checkpoint, uint8_t ret_bytes[static SIGNED_MAX])
{
	uint8_t key_id[DIGEST_SIZE];
	struct wire_out out;

	checkpoint_key_id(checkpoint->public_key, key_id);
	wire_out_init(&out, ret_bytes, SIGNED_MAX);
	wire_put_lp_text(&out, PURPOSE);
	wire_put_bytes(&out, checkpoint->store_id, sizeof(checkpoint->store_id));
	wire_put_bytes(&out, key_id, sizeof(key_id));
	wire_put_u64(&out, 0); /* stream: one a node, and there is one node */
	wire_put_u64(&out, checkpoint->sequence);
	wire_put_bytes(&out, checkpoint->hash, sizeof(checkpoint->hash));
	wire_put_u64(&out, (uint64_t)checkpoint->time_ms);
	return out.used;
}

enum core_status checkpoint_make(const struct vault *vault, struct checkpoint *ret_checkpoint)
{
	struct checkpoint checkpoint = {.time_ms = clock_unix_ms()};
	uint8_t bytes[SIGNED_MAX];

	audit_head(vault, &checkpoint.sequence, checkpoint.hash);
	if (checkpoint.sequence == 0)
		return CORE_NOT_FOUND;
	memcpy(checkpoint.store_id, vault->store_id, sizeof(checkpoint.store_id));
	identity_public(vault->identity, checkpoint.public_key);
	identity_sign(vault->identity, bytes, signed_bytes(&checkpoint, bytes), checkpoint.signature);
	*ret_checkpoint = checkpoint;
	return CORE_OK;
}

bool checkpoint_is_signed(const struct checkpoint *checkpoint)
{
	uint8_t bytes[SIGNED_MAX];

	return identity_verify(checkpoint->public_key, bytes, signed_bytes(checkpoint, bytes), checkpoint->signature) ==
	       CRYPTO_OK;
}

/* ---- as text ------------------------------------------------------------------------------------------------------
 */

static void put_hex(struct json *doc, const char *name, const void *bytes, size_t size)
{
	char text[2 * IDENTITY_SIGNATURE_SIZE + 1];

	encode_hex(bytes, size, text);
	json_text(doc, name, text);
}

char *checkpoint_print(const struct checkpoint *checkpoint, size_t *ret_size)
{
	char store[ENCODE_UUID_CHARS + 1], time[25], *text;
	struct json *doc = json_new();

	encode_uuid(checkpoint->store_id, store);
	clock_rfc3339(checkpoint->time_ms, time);
	json_text(doc, "purpose", PURPOSE);
	json_text(doc, "store", store);
	json_number(doc, "stream", 0);
	json_number(doc, "sequence", checkpoint->sequence);
	put_hex(doc, "hash", checkpoint->hash, sizeof(checkpoint->hash));
	json_text(doc, "time", time);
	json_number(doc, "time_ms", (uint64_t)checkpoint->time_ms);
	put_hex(doc, "public_key", checkpoint->public_key, sizeof(checkpoint->public_key));
	put_hex(doc, "signature", checkpoint->signature, sizeof(checkpoint->signature));
	text = json_print(doc, ret_size);
	json_free(doc);
	return text;
}

static bool get_hex(const struct json_value *root, const char *name, void *ret_bytes, size_t size)
{
	const char *text;
	size_t length;

	return json_doc_string(json_doc_member(root, name), 2 * size, 2 * size, &text, &length) == JSON_DOC_OK &&
	       decode_hex(text, length, ret_bytes, size);
}

static bool get_number(const struct json_value *root, const char *name, int64_t *ret_number)
{
	return json_doc_integer(json_doc_member(root, name), 0, INT64_MAX, ret_number) == JSON_DOC_OK;
}

bool checkpoint_parse(const char *text, size_t size, struct checkpoint *ret_checkpoint)
{
	struct checkpoint checkpoint = {.sequence = 0};
	struct json_doc *doc = NULL;
	const struct json_value *root;
	const char *purpose, *store;
	int64_t sequence = 0, stream = 1;
	size_t length;
	bool good = false;

	if (json_doc_parse(text, size, &doc) != JSON_DOC_OK)
		return false;
	root = json_doc_root(doc);
	good = json_doc_string(json_doc_member(root, "purpose"), 1, 64, &purpose, &length) == JSON_DOC_OK &&
	       strcmp(purpose, PURPOSE) == 0 &&
	       json_doc_string(json_doc_member(root, "store"), ENCODE_UUID_CHARS, ENCODE_UUID_CHARS, &store, &length) ==
		       JSON_DOC_OK &&
	       decode_uuid(store, checkpoint.store_id) && get_number(root, "stream", &stream) && stream == 0 &&
	       get_number(root, "sequence", &sequence) && sequence > 0 &&
	       get_number(root, "time_ms", &checkpoint.time_ms) &&
	       get_hex(root, "hash", checkpoint.hash, sizeof(checkpoint.hash)) &&
	       get_hex(root, "public_key", checkpoint.public_key, sizeof(checkpoint.public_key)) &&
	       get_hex(root, "signature", checkpoint.signature, sizeof(checkpoint.signature));
	json_doc_free(doc);
	checkpoint.sequence = (uint64_t)sequence;
	if (good)
		*ret_checkpoint = checkpoint;
	return good;
}

/* ---- against the log ----------------------------------------------------------------------------------------------
 */

struct looking {
	const struct checkpoint *checkpoint;
	bool fits;
};

static bool look(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static DIGEST_SIZE])
{
	struct looking *looking = arg;

	(void)sequence;
	(void)event;
	looking->fits = memcmp(hash, looking->checkpoint->hash, DIGEST_SIZE) == 0;
	return false;
}

enum core_status checkpoint_compare(const struct checkpoint *checkpoint, const struct vault *vault,
				    struct store_view *view)
{
	struct looking looking = {.checkpoint = checkpoint};
	uint64_t after = checkpoint->sequence - 1;
	const enum core_status status = audit_read(view, vault, &after, 1, look, &looking);

	return status == CORE_OK && !looking.fits ? CORE_DAMAGED : status;
}
