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
#include "server/core/checkpoint.h"
#include "server/core/clock.h"
#include "server/core/files.h"
#include "server/core/identity_text.h"
#include "server/core/receipt.h"

enum { OPTION_IDENTITY, OPTION_SUCCESSOR, OPTION_CONTENT, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_IDENTITY] =
		{.name = "identity",
		 .value = "FILE",
		 .help = "needed: what the server answered to GET /.well-known/coffer, kept from a time when\n"
			 "it was trusted"},
	[OPTION_SUCCESSOR] = {.name = "successor",
			      .value = "FILE",
			      .help = "what it answers now: keys in it are believed that those of --identity have\n"
				      "endorsed, one after the other"},
	[OPTION_CONTENT] = {.name = "content",
			    .value = "FILE",
			    .help = "what was written: its SHA-256 must be the receipt's"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer verify-receipt FILE --identity FILE [--successor FILE] [--content FILE]",
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

/* What the server said of its keys; NULL has been said. */
static struct identities *read_identities(const char *path, uint8_t ret_store_id[static 16])
{
	struct identities *identities;
	char *text = NULL;
	size_t size;

	if (!read_file(path, &text, &size))
		return NULL;
	identities = calloc(1, sizeof(*identities));
	if (identities && !identity_text_parse(text, size, ret_store_id, identities)) {
		fprintf(stderr, "coffer: %s is not what /.well-known/coffer answers\n", path);
		free(identities);
		identities = NULL;
	}
	secret_free(text, size + 1);
	return identities;
}

static const struct store_identity *find_id(const struct identities *identities, const uint8_t id[static DIGEST_SIZE])
{
	uint8_t found[DIGEST_SIZE];

	for (size_t i = 0; identities && i < identities->count; i++) {
		checkpoint_key_id(identities->keys[i].public_key, found);
		if (memcmp(found, id, sizeof(found)) == 0)
			return &identities->keys[i];
	}
	return NULL;
}

static const struct store_identity *find_key(const struct identities *identities,
					     const uint8_t key[static IDENTITY_PUBLIC_SIZE])
{
	uint8_t id[DIGEST_SIZE];

	checkpoint_key_id(key, id);
	return find_id(identities, id);
}

/* Whether endorsements lead from a key that is trusted to this one. */
static bool follows(const struct identities *trusted, const struct identities *said, const uint8_t store_id[static 16],
		    const struct store_identity *key)
{
	for (size_t i = 0; key && i <= said->count; i++) {
		if (!identities_is_endorsed(store_id, key))
			return false;
		if (find_key(trusted, key->previous))
			return true;
		key = find_key(said, key->previous);
	}
	return false;
}

/* What is wrong with who signed; NULL: nothing. */
static const char *judge(const struct receipt *receipt, const struct identities *trusted, const struct identities *said)
{
	const struct store_identity *key = find_id(trusted, receipt->key_id), *now = find_id(said, receipt->key_id);

	if (!key && now && follows(trusted, said, receipt->store_id, now))
		key = now;
	if (!key)
		return "signed by a key that is none of the server's";
	if (!receipt_is_signed(receipt, key->public_key))
		return "the server has not signed this";
	if ((key->state == STORE_IDENTITY_RETIRED && receipt->sequence > key->last_event) ||
	    (now && now->state == STORE_IDENTITY_RETIRED && receipt->sequence > now->last_event))
		return "signed by a key that was retired by then";
	return NULL;
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
	struct identities *trusted = NULL, *said = NULL;
	uint8_t store_id[16];
	struct receipt receipt;
	const char *wrong;
	int status = 2;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPTION_COUNT] || !values[OPTION_IDENTITY]) {
		fprintf(stderr, "coffer: a receipt and --identity are needed\nusage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	if (!read_receipt(values[OPTION_COUNT], &receipt) ||
	    !(trusted = read_identities(values[OPTION_IDENTITY], store_id)) ||
	    (values[OPTION_SUCCESSOR] && !(said = read_identities(values[OPTION_SUCCESSOR], store_id))))
		goto out;
	wrong = judge(&receipt, trusted, said);
	status = 1;
	if (wrong) {
		printf("receipt: %s\n", wrong);
		goto out;
	}
	tell(&receipt);
	status = values[OPTION_CONTENT] ? check_content(values[OPTION_CONTENT], &receipt) : 0;
out:
	free(trusted);
	free(said);
	return status;
}
