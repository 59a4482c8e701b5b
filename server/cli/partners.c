/* coffer partners and coffer accept: who is there, and by which key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/fingerprint.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/partner_tool.h"
#include "server/partner/meet.h"

enum { PARTNERS_JSON, PARTNERS_PASSPHRASE_FILE, PARTNERS_HOME, PARTNERS_COUNT };
enum { ACCEPT_FINGERPRINT, ACCEPT_PASSPHRASE_FILE, ACCEPT_HOME, ACCEPT_COUNT };
enum { PAGE = 200 }; /* of the longest names, within JSON_DOC_SIZE_MAX */

static const struct argument PARTNERS_OPTIONS[] = {
	[PARTNERS_JSON] = {.name = "json", .help = "one JSON object a line"},
	[PARTNERS_PASSPHRASE_FILE] = PARTNER_TOOL_PASSPHRASE,
	[PARTNERS_HOME] = PARTNER_TOOL_HOME,
};

static const struct arguments PARTNERS = {
	.usage = "coffer partners [NAME] [--json] [--passphrase-file FILE] [--home DIR]",
	.about = "Lists the names on the server with their fingerprints, and how one knows them: `new`, `known` by "
		 "this key\n"
		 "since the first use, `verified` by comparing, or CHANGED. With NAME: its fingerprint in full, also "
		 "for\n"
		 "reading aloud.",
	.table = PARTNERS_OPTIONS,
	.count = PARTNERS_COUNT,
	.operand = "NAME",
};

static const struct argument ACCEPT_OPTIONS[] = {
	[ACCEPT_FINGERPRINT] = {.name = "fingerprint",
				.value = "HEX",
				.help = "of the partner's key, as the partner told it over another channel"},
	[ACCEPT_PASSPHRASE_FILE] = PARTNER_TOOL_PASSPHRASE,
	[ACCEPT_HOME] = PARTNER_TOOL_HOME,
};

static const struct arguments ACCEPT = {
	.usage = "coffer accept NAME --fingerprint HEX [--passphrase-file FILE] [--home DIR]",
	.about = "Takes the key that the server has for NAME, if it has this fingerprint, for the partner's own: "
		 "verified.\n"
		 "So a key is accepted that has changed, too.",
	.table = ACCEPT_OPTIONS,
	.count = ACCEPT_COUNT,
	.operand = "NAME",
};

/* How the fingerprint that the server shows stands to the pin. NULL: with a complaint. */
static const char *standing(struct partner_tool *tool, const char *name, const uint8_t now[static DIGEST_SIZE])
{
	struct pin pin = {.key = NULL};
	const char *word = NULL;

	if (strcmp(name, tool->profile.name) == 0)
		return "oneself";
	switch (pin_find(&tool->profile, name, &pin, &tool->complaint)) {
	case STATE_FOUND:
		word = memcmp(pin.fingerprint, now, DIGEST_SIZE) != 0 ? "CHANGED" : pin.verified ? "verified" : "known";
		break;
	case STATE_ABSENT:
		word = "new";
		break;
	case STATE_BROKEN:
		break;
	}
	pin_done(&pin);
	return word;
}

static bool print_json(const char *name, const char *word, const char *hex, struct complaint *complaint)
{
	struct json *doc = json_new();
	char *text;
	size_t size;

	json_text(doc, "name", name);
	json_text(doc, "known", word);
	json_text(doc, "fingerprint", hex);
	text = json_print(doc, &size);
	json_free(doc);
	if (!text)
		return complain(complaint, "out of memory");
	puts(text);
	free(text);
	return true;
}

static bool print_row(struct partner_tool *tool, const struct json_value *row, bool as_json)
{
	const char *given, *hex, *word;
	char name[DIRECTORY_NAME_MAX + 1];
	uint8_t now[DIGEST_SIZE];
	size_t size;

	if (json_doc_string(json_doc_member(row, "name"), 1, DIRECTORY_NAME_MAX, &given, &size) != JSON_DOC_OK ||
	    !directory_name(given, name) ||
	    json_doc_string(json_doc_member(row, "fingerprint"), 64, 64, &hex, &size) != JSON_DOC_OK ||
	    !decode_hex(hex, size, now, sizeof(now)))
		return complain(&tool->complaint, "the server's list is not what a coffer server says");
	word = standing(tool, name, now);
	if (!word)
		return false;
	if (as_json)
		return print_json(name, word, hex, &tool->complaint);
	printf("%-24s %-9s %s\n", name, word, hex);
	return true;
}

/* One page; ret_next: the cursor of the next, or empty. */
static bool print_page(struct partner_tool *tool, const struct client_reply *reply, bool as_json,
		       char ret_next[static DIRECTORY_NAME_MAX + 1])
{
	struct json_doc *doc = NULL;
	const struct json_value *row = NULL;
	bool good = reply->status == 200 || remote_refused(reply, "listing partners", &tool->complaint);

	if (!good)
		return false;
	if (json_doc_parse(reply->body, reply->size, &doc) != JSON_DOC_OK ||
	    json_doc_array(json_doc_member(json_doc_root(doc), "keys"), 0, PAGE, &row) != JSON_DOC_OK)
		good = complain(&tool->complaint, "the server's list is not what a coffer server says");
	for (; good && row; row = json_doc_next(row))
		good = print_row(tool, row, as_json);
	if (!state_text(doc, "next", DIRECTORY_NAME_MAX, ret_next))
		ret_next[0] = '\0';
	json_doc_free(doc);
	return good;
}

static bool list(struct partner_tool *tool, bool as_json)
{
	char path[160], next[DIRECTORY_NAME_MAX + 1] = "", after[DIRECTORY_NAME_MAX + 1];
	char last[DIRECTORY_NAME_MAX + 1] = "";
	const struct client_request request = {.method = "GET", .path = path};
	bool good;

	do {
		struct client_reply reply = {0};

		if (!next[0])
			snprintf(path, sizeof(path), "/v1/keys?limit=%d", PAGE);
		else if (directory_name(next, after) && strcmp(after, last) > 0)
			snprintf(path, sizeof(path), "/v1/keys?limit=%d&after=%s", PAGE, after);
		else
			return complain(&tool->complaint, "the server's list is not what a coffer server says");
		if (next[0])
			memcpy(last, after, sizeof(last)); /* the names ascend, or this would not end */
		good = remote_ask(&tool->remote, &request, &reply, &tool->complaint) &&
		       print_page(tool, &reply, as_json, next);
		client_reply_done(&reply);
	} while (good && next[0]);
	return good;
}

static bool show(struct partner_tool *tool, const char *given, bool as_json)
{
	char name[DIRECTORY_NAME_MAX + 1], hex[2 * DIGEST_SIZE + 1], digits[FINGERPRINT_DIGITS_SIZE];
	struct rsakey_public *key = NULL;
	uint8_t now[DIGEST_SIZE];
	const char *word;
	bool good;

	if (!partner_tool_name(given, name, &tool->complaint) ||
	    !remote_key(&tool->remote, name, &key, &tool->complaint))
		return false;
	rsakey_public_id(key, now);
	encode_hex(now, sizeof(now), hex);
	fingerprint_digits(now, digits);
	word = standing(tool, name, now);
	good = word != NULL;
	if (good && as_json)
		good = print_json(name, word, hex, &tool->complaint);
	else if (good)
		printf("%s: %s, RSA of %u bits\n%s\n%s\n", name, word, rsakey_public_bits(key), hex, digits);
	rsakey_public_free(key);
	return good;
}

int command_partners(int argc, char **argv)
{
	const char *values[PARTNERS_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&PARTNERS, argc, argv, values, stdout, stderr);
	struct partner_tool tool;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	good = partner_tool_open(&tool, values[PARTNERS_HOME], values[PARTNERS_PASSPHRASE_FILE], NULL) &&
	       (values[PARTNERS_COUNT] ? show(&tool, values[PARTNERS_COUNT], values[PARTNERS_JSON] != NULL)
				       : list(&tool, values[PARTNERS_JSON] != NULL));
	return partner_tool_close(&tool, good ? 0 : 1);
}

static bool accept_key(struct partner_tool *tool, const char *given, const uint8_t wanted[static DIGEST_SIZE])
{
	char name[DIRECTORY_NAME_MAX + 1], hex[2 * DIGEST_SIZE + 1];
	struct rsakey_public *key = NULL;
	uint8_t now[DIGEST_SIZE];
	bool good;

	if (!partner_tool_name(given, name, &tool->complaint) ||
	    !remote_key(&tool->remote, name, &key, &tool->complaint))
		return false;
	rsakey_public_id(key, now);
	encode_hex(now, sizeof(now), hex);
	if (memcmp(now, wanted, sizeof(now)) != 0)
		good = complain(&tool->complaint, "the server has another key for %s, with the fingerprint %s", name,
				hex);
	else
		good = pin_put(&tool->profile, name, key, true, &tool->complaint);
	rsakey_public_free(key);
	if (good)
		printf("%s: verified\n", name);
	return good;
}

int command_accept(int argc, char **argv)
{
	const char *values[ACCEPT_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ACCEPT, argc, argv, values, stdout, stderr);
	struct partner_tool tool;
	uint8_t wanted[DIGEST_SIZE];
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[ACCEPT_COUNT] || !values[ACCEPT_FINGERPRINT] ||
	    !decode_hex(values[ACCEPT_FINGERPRINT], strlen(values[ACCEPT_FINGERPRINT]), wanted, sizeof(wanted))) {
		fprintf(stderr, "coffer: a name is needed, and --fingerprint with 64 hexadecimal digits\nusage: %s\n",
			ACCEPT.usage);
		return 2;
	}
	good = partner_tool_open(&tool, values[ACCEPT_HOME], values[ACCEPT_PASSPHRASE_FILE], NULL) &&
	       accept_key(&tool, values[ACCEPT_COUNT], wanted);
	return partner_tool_close(&tool, good ? 0 : 1);
}
