/* coffer verify-receipt. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/core/clock.h"
#include "server/core/files.h"
#include "server/core/receipt.h"
#include "server/json/json_doc.h"

enum { OPTION_IDENTITY, OPTION_CONTENT, OPTION_COUNT };
enum { KEYS_MAX = 1000 };

static const struct argument OPTIONS[] = {
	[OPTION_IDENTITY] =
		{.name = "identity",
		 .value = "FILE",
		 .help = "needed: what the server answered to GET /.well-known/coffer, kept from a time when\n"
			 "it was trusted"},
	[OPTION_CONTENT] = {.name = "content",
			    .value = "FILE",
			    .help = "what was written: its SHA-256 must be the receipt's"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer verify-receipt FILE --identity FILE [--content FILE]",
	.about =
		"Checks a receipt: the value of Coffer-Receipt in the answer to a write of a record, or all the "
		"headers\n"
		"that curl -D wrote. Prints what the server signed. Exit status: 0 when the signature is good and the\n"
		"content is what was written, 1 when not, 2 when a file could not be read.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "FILE",
};

/* Cuts the receipt out of headers, or out of a line; NULL when there is none. */
static char *find_receipt(char *text)
{
	static const char NAME[] = "Coffer-Receipt:";

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncasecmp(line, NAME, sizeof(NAME) - 1) == 0)
			line += sizeof(NAME) - 1;
		line += strspn(line, " \t");
		if (strncmp(line, "store=", 6) == 0) {
			line[strcspn(line, "\r\n")] = '\0';
			return line;
		}
	}
	return NULL;
}

static bool read_file(const char *path, char **ret_text, size_t *ret_size)
{
	char error[1024];

	if (files_read(path, false, ret_text, ret_size, &(struct files_error){error, sizeof(error)}) == CORE_OK)
		return true;
	fprintf(stderr, "coffer: %s\n", error);
	return false;
}

static bool read_receipt(const char *path, struct receipt *ret_receipt)
{
	char *text = NULL;
	const char *value;
	size_t size;
	bool good;

	if (!read_file(path, &text, &size))
		return false;
	value = memchr(text, 0, size) ? NULL : find_receipt(text);
	good = value && receipt_parse(value, ret_receipt);
	if (!good)
		fprintf(stderr, "coffer: %s holds no receipt\n", path);
	secret_free(text, size + 1);
	return good;
}

/* The key that the receipt names, out of the server's identity; false has been said. */
static bool read_key(const char *path, const struct receipt *receipt, uint8_t ret_key[static IDENTITY_PUBLIC_SIZE],
		     bool *ret_found)
{
	struct json_doc *doc = NULL;
	const struct json_value *keys, *key = NULL;
	const char *hex;
	char wanted[2 * DIGEST_SIZE + 1];
	char *text = NULL;
	size_t size, length;

	*ret_found = false;
	if (!read_file(path, &text, &size))
		return false;
	if (json_doc_parse(text, size, &doc) != JSON_DOC_OK) {
		fprintf(stderr, "coffer: %s is not what /.well-known/coffer answers\n", path);
		secret_free(text, size + 1);
		return false;
	}
	encode_hex(receipt->key_id, sizeof(receipt->key_id), wanted);
	keys = json_doc_member(json_doc_root(doc), "identity_keys");
	if (json_doc_array(keys, 0, KEYS_MAX, &key) != JSON_DOC_OK)
		key = NULL;
	for (; key && !*ret_found; key = json_doc_next(key))
		*ret_found =
			json_doc_string(json_doc_member(key, "id"), 64, 64, &hex, &length) == JSON_DOC_OK &&
			strcmp(hex, wanted) == 0 &&
			json_doc_string(json_doc_member(key, "public_key"), 64, 64, &hex, &length) == JSON_DOC_OK &&
			decode_hex(hex, length, ret_key, IDENTITY_PUBLIC_SIZE);
	json_doc_free(doc);
	secret_free(text, size + 1);
	return true;
}

/* 0: it is what the receipt tells of; 1: it is not, which was said; 2: it could not be read. */
static int check_content(const char *path, const struct receipt *receipt)
{
	uint8_t buffer[65536], digest[DIGEST_SIZE];
	struct digest *state = NULL;
	FILE *file = fopen(path, "rb");
	size_t n;
	bool failed;

	if (!file || digest_new(&state) != CRYPTO_OK) {
		fprintf(stderr, "coffer: %s cannot be read\n", path);
		if (file)
			fclose(file);
		return 2;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		digest_update(state, buffer, n);
	failed = ferror(file);
	fclose(file);
	digest_finish(state, digest);
	digest_free(state);
	if (failed) {
		fprintf(stderr, "coffer: %s cannot be read\n", path);
		return 2;
	}
	if (memcmp(digest, receipt->sha256, sizeof(digest)) == 0)
		return 0;
	printf("content: %s is not what was written\n", path);
	return 1;
}

static void tell(const struct receipt *receipt)
{
	static const uint8_t none[DIGEST_SIZE];
	char id[ENCODE_UUID_CHARS + 1], hex[2 * DIGEST_SIZE + 1], time[25];

	encode_uuid(receipt->record_id, id);
	encode_hex(receipt->sha256, sizeof(receipt->sha256), hex);
	clock_rfc3339(receipt->time_ms, time);
	printf("record: %s\nversion: %" PRIu64 "\n", id, receipt->version);
	if (memcmp(receipt->sha256, none, sizeof(none)) == 0)
		puts("deleted: yes");
	else
		printf("sha256: %s\n", hex);
	printf("audit event: %" PRIu64 "\ntime: %s\n", receipt->sequence, time);
	encode_uuid(receipt->store_id, id);
	encode_hex(receipt->key_id, sizeof(receipt->key_id), hex);
	printf("store: %s\nsigned by: %s\n", id, hex);
}

int command_verify_receipt(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct receipt receipt;
	uint8_t key[IDENTITY_PUBLIC_SIZE];
	bool found;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPTION_COUNT] || !values[OPTION_IDENTITY]) {
		fprintf(stderr, "coffer: a receipt and --identity are needed\nusage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	if (!read_receipt(values[OPTION_COUNT], &receipt) || !read_key(values[OPTION_IDENTITY], &receipt, key, &found))
		return 2;
	if (!found || !receipt_is_signed(&receipt, key)) {
		puts(found ? "receipt: the server has not signed this"
			   : "receipt: signed by a key that is none of the server's");
		return 1;
	}
	tell(&receipt);
	return values[OPTION_CONTENT] ? check_content(values[OPTION_CONTENT], &receipt) : 0;
}
