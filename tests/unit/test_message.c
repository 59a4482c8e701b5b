#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/message.h"
#include "crypto/oaep.h"
#include "crypto/session.h"
#include "crypto/signature.h"
#include "tests/unit/support/testdata.h"

static struct {
	cJSON *json;
	struct rsakey_private *sender, *recipient;
} vectors;

static struct rsakey_private *load(const char *name)
{
	const char *pem = testdata_text(vectors.json, name);
	struct rsakey_private *key = NULL;

	cr_assert_eq(rsakey_private_from_pem(pem, strlen(pem), NULL, &key), CRYPTO_OK);
	return key;
}

static void setup(void)
{
	vectors.json = testdata_json(COFFER_SOURCE_DIR "/tests/vectors/messages.json");
	vectors.sender = load("sender_pem");
	vectors.recipient = load("recipient_pem");
}

static void teardown(void)
{
	rsakey_private_free(vectors.sender);
	rsakey_private_free(vectors.recipient);
	cJSON_Delete(vectors.json);
}

TestSuite(message, .init = setup, .fini = teardown);

/* Opens a copy of exactly `size` bytes, so that the sanitizer sees a read beyond it. On failure nothing is written. */
static enum crypto_status open_copy(const struct rsakey_private *key, const uint8_t *sealed, size_t size,
				    uint8_t **ret_plaintext, size_t *ret_size, struct message_key *ret_key)
{
	uint8_t *copy = malloc(size ? size : 1), *plaintext = malloc(size ? size : 1);
	enum crypto_status status;

	cr_assert(copy && plaintext);
	memcpy(copy, sealed, size);
	memset(plaintext, 0xa5, size);
	*ret_size = 7;
	status = message_open(key, copy, size, plaintext, ret_size, ret_key);
	if (status != CRYPTO_OK) {
		cr_assert_eq(*ret_size, 7);
		for (size_t i = 0; i < size; i++)
			cr_assert_eq(plaintext[i], 0xa5, "plaintext left before all was verified");
	}
	free(copy);
	if (status == CRYPTO_OK && ret_plaintext)
		*ret_plaintext = plaintext;
	else
		free(plaintext);
	return status;
}

static enum crypto_status opens(const struct rsakey_private *key, const uint8_t *sealed, size_t size)
{
	size_t opened;

	return open_copy(key, sealed, size, NULL, &opened, NULL);
}

Test(message, what_pycryptodome_sealed_opens)
{
	const cJSON *vector;

	cJSON_ArrayForEach(vector, cJSON_GetObjectItem(vectors.json, "messages"))
	{
		struct testdata_bytes sealed = testdata_hex(vector, "sealed"),
				      expected = testdata_hex(vector, "plaintext");
		struct testdata_bytes aes = testdata_hex(vector, "aes_key");
		struct message_key key;
		uint8_t *plaintext = NULL;
		size_t size;

		cr_assert_eq(open_copy(vectors.recipient, sealed.b, sealed.size, &plaintext, &size, &key), CRYPTO_OK);
		cr_assert(size == expected.size && memcmp(plaintext, expected.b, size) == 0);
		cr_assert(key.size == aes.size && memcmp(key.b, aes.b, aes.size) == 0);
		cr_assert_eq(opens(vectors.sender, sealed.b, sealed.size), CRYPTO_AUTH);
		free(plaintext);
		free(sealed.b);
		free(expected.b);
		free(aes.b);
	}
}

Test(message, every_flip_and_every_cut_gives_one_answer)
{
	const cJSON *vector;
	int count = 0;

	cJSON_ArrayForEach(vector, cJSON_GetObjectItem(vectors.json, "messages"))
	{
		struct testdata_bytes sealed = testdata_hex(vector, "sealed");

		/* Of each AES key's length one message; the wrap's bytes cost an RSA operation each. */
		if (count++ % 6 == 4) {
			for (size_t i = 0; i < sealed.size; i++) {
				sealed.b[i] ^= 1;
				cr_assert_eq(opens(vectors.recipient, sealed.b, sealed.size), CRYPTO_AUTH, "at %zu", i);
				sealed.b[i] ^= 1;
				cr_assert_eq(opens(vectors.recipient, sealed.b, i), CRYPTO_AUTH, "cut at %zu", i);
			}
			cr_assert_eq(opens(vectors.recipient, sealed.b, sealed.size), CRYPTO_OK);
		}
		free(sealed.b);
	}
}

Test(message, a_key_of_another_length_is_no_key)
{
	static const size_t SIZES[] = {0, 1, 15, 17, 31, 33, 214};
	const struct rsakey_public *public = rsakey_private_public(vectors.recipient);
	uint8_t sealed[256 + 32 + 5] = {0}, key[214] = {0};

	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		cr_assert_eq(oaep_encrypt(public, OAEP_SHA1, "", 0, key, SIZES[i], sealed), CRYPTO_OK);
		cr_assert_eq(opens(vectors.recipient, sealed, sizeof(sealed)), CRYPTO_AUTH, "%zu bytes", SIZES[i]);
	}
	/* Under a label, as a login challenge is, it is no message either. */
	cr_assert_eq(oaep_encrypt(public, OAEP_SHA1, "label", 5, key, 16, sealed), CRYPTO_OK);
	cr_assert_eq(opens(vectors.recipient, sealed, sizeof(sealed)), CRYPTO_AUTH);
	memset(sealed, 0xff, 256);
	cr_assert_eq(opens(vectors.recipient, sealed, sizeof(sealed)), CRYPTO_AUTH);
}

Test(message, what_was_sealed_opens_and_no_two_are_alike)
{
	static const size_t SIZES[] = {0, 1, 16, 1000, 70000};
	const struct rsakey_public *public = rsakey_private_public(vectors.recipient);
	const size_t overhead = message_overhead(public);

	cr_assert_eq(overhead, 256 + 32);
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		uint8_t *sealed = malloc(overhead + SIZES[i]), *again = malloc(overhead + SIZES[i]), *opened;
		struct message_key key;
		size_t size;

		cr_assert(sealed && again);
		/* In place: the plaintext stands where the ciphertext will. */
		memset(sealed + overhead, (int)i, SIZES[i]);
		memset(again + overhead, (int)i, SIZES[i]);
		cr_assert_eq(message_seal(public, sealed + overhead, SIZES[i], sealed, &key), CRYPTO_OK);
		cr_assert_eq(message_seal(public, again + overhead, SIZES[i], again, NULL), CRYPTO_OK);
		cr_assert_eq(key.size, 16);
		cr_assert_neq(memcmp(sealed, again, overhead), 0);
		cr_assert_eq(open_copy(vectors.recipient, sealed, overhead + SIZES[i], &opened, &size, NULL),
			     CRYPTO_OK);
		cr_assert_eq(size, SIZES[i]);
		for (size_t j = 0; j < size; j++)
			cr_assert_eq(opened[j], (uint8_t)i);
		free(opened);
		free(sealed);
		free(again);
	}
}

/* ---- sessions -----------------------------------------------------------------------------------------------------
 */

static struct session session_of(bool reversed)
{
	const cJSON *message = cJSON_GetArrayItem(cJSON_GetObjectItem(vectors.json, "messages"), 0);
	struct testdata_bytes key = testdata_hex(message, "aes_key"),
			      first = testdata_hex(vectors.json, "session_first");
	struct session session = {.key = {.size = key.size}};

	memcpy(session.key.b, key.b, key.size);
	memcpy(session.first, first.b, sizeof(session.first));
	rsakey_public_id(rsakey_private_public(vectors.sender), reversed ? session.recipient : session.sender);
	rsakey_public_id(rsakey_private_public(vectors.recipient), reversed ? session.sender : session.recipient);
	free(key.b);
	free(first.b);
	return session;
}

static enum crypto_status open_session(const struct session *session, uint64_t after, const uint8_t *sealed,
				       size_t size, uint8_t *plaintext, uint64_t *ret_counter)
{
	uint8_t *copy = malloc(size ? size : 1);
	enum crypto_status status;

	cr_assert(copy);
	memcpy(copy, sealed, size);
	status = session_open(session, after, copy, size, plaintext, ret_counter);
	free(copy);
	return status;
}

Test(message, sessions_of_pycryptodome_open_in_their_direction_alone)
{
	const struct session session = session_of(false), reversed = session_of(true);
	const cJSON *vector;

	cJSON_ArrayForEach(vector, cJSON_GetObjectItem(vectors.json, "sessions"))
	{
		struct testdata_bytes sealed = testdata_hex(vector, "sealed"),
				      expected = testdata_hex(vector, "plaintext");
		const uint64_t number = strtoull(testdata_text(vector, "counter"), NULL, 16);
		uint8_t plaintext[64];
		uint64_t counter = 0;

		cr_assert_eq(open_session(&session, number - 1, sealed.b, sealed.size, plaintext, &counter), CRYPTO_OK);
		cr_assert_eq(counter, number);
		cr_assert_eq(memcmp(plaintext, expected.b, expected.size), 0);
		cr_assert_eq(open_session(&session, number, sealed.b, sealed.size, plaintext, &counter), CRYPTO_AUTH);
		cr_assert_eq(open_session(&reversed, 0, sealed.b, sealed.size, plaintext, &counter), CRYPTO_AUTH);
		for (size_t i = 0; i < sealed.size; i++) {
			sealed.b[i] ^= 1;
			cr_assert_eq(open_session(&session, 0, sealed.b, sealed.size, plaintext, &counter), CRYPTO_AUTH,
				     "at %zu", i);
			sealed.b[i] ^= 1;
			cr_assert_eq(open_session(&session, 0, sealed.b, i, plaintext, &counter), CRYPTO_AUTH,
				     "cut at %zu", i);
		}
		free(sealed.b);
		free(expected.b);
	}
}

Test(message, a_session_is_bound_to_all_that_its_header_names)
{
	static const uint8_t TEXT[] = "continued";
	struct session session = session_of(false), other;
	uint8_t sealed[SESSION_OVERHEAD + sizeof(TEXT)], plaintext[sizeof(TEXT)];
	uint64_t counter = 0;

	cr_assert_eq(session_seal(&session, 0, TEXT, sizeof(TEXT), sealed), CRYPTO_FORMAT);
	cr_assert_eq(session_seal(&session, UINT64_MAX, TEXT, sizeof(TEXT), sealed), CRYPTO_OK);
	cr_assert_eq(session_open(&session, UINT64_MAX - 1, sealed, sizeof(sealed), plaintext, &counter), CRYPTO_OK);
	cr_assert_eq(counter, UINT64_MAX);
	cr_assert_arr_eq(plaintext, TEXT, sizeof(TEXT));
	uint8_t *const fields[] = {other.first, other.sender, other.recipient, other.key.b};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		other = session;
		fields[i][3] ^= 1;
		cr_assert_eq(session_open(&other, 0, sealed, sizeof(sealed), plaintext, &counter), CRYPTO_AUTH);
	}
	session.key.size = 15;
	cr_assert_eq(session_seal(&session, 1, TEXT, sizeof(TEXT), sealed), CRYPTO_KEY);
	cr_assert_eq(session_open(&session, 0, sealed, sizeof(sealed), plaintext, &counter), CRYPTO_KEY);
}

/* ---- signatures ----------------------------------------------------------------------------------------------------
 */

Test(message, the_signed_text_and_the_signature_are_pycryptodomes)
{
	const cJSON *message = cJSON_GetArrayItem(cJSON_GetObjectItem(vectors.json, "messages"), 0);
	const struct rsakey_public *sender = rsakey_private_public(vectors.sender);
	const struct rsakey_public *recipient = rsakey_private_public(vectors.recipient);
	struct testdata_bytes sealed = testdata_hex(message, "sealed");
	const char *base64 = testdata_text(vectors.json, "signature");
	uint8_t signer_id[DIGEST_SIZE], recipient_id[DIGEST_SIZE], digest[DIGEST_SIZE], signature[256];
	char text[SIGNATURE_TEXT_SIZE], hex[2 * DIGEST_SIZE + 1];
	size_t size = 0;

	rsakey_public_id(sender, signer_id);
	rsakey_public_id(recipient, recipient_id);
	encode_hex(signer_id, DIGEST_SIZE, hex);
	cr_assert_str_eq(hex, testdata_text(vectors.json, "sender_fingerprint"));
	digest_sha256(sealed.b, sealed.size, digest);
	signature_text(signer_id, recipient_id, digest, text);
	cr_assert_str_eq(text, testdata_text(vectors.json, "statement"));
	cr_assert(decode_base64(base64, strlen(base64), signature, sizeof(signature), &size) && size == 256);
	cr_assert_eq(signature_check(sender, recipient, sealed.b, sealed.size, signature, size), CRYPTO_OK);
	cr_assert_eq(signature_check(recipient, recipient, sealed.b, sealed.size, signature, size), CRYPTO_AUTH);
	cr_assert_eq(signature_check(sender, sender, sealed.b, sealed.size, signature, size), CRYPTO_AUTH);
	cr_assert_eq(signature_check(sender, recipient, sealed.b, sealed.size - 1, signature, size), CRYPTO_AUTH);
	for (size_t i = 0; i < size; i++) {
		signature[i] ^= 1;
		cr_assert_eq(signature_check(sender, recipient, sealed.b, sealed.size, signature, size), CRYPTO_AUTH);
		signature[i] ^= 1;
		cr_assert_eq(signature_check(sender, recipient, sealed.b, sealed.size, signature, i), CRYPTO_AUTH);
	}
	cr_assert_eq(signature_make(vectors.sender, recipient, sealed.b, sealed.size, signature), CRYPTO_OK);
	cr_assert_eq(signature_check(sender, recipient, sealed.b, sealed.size, signature, size), CRYPTO_OK);
	free(sealed.b);
}
