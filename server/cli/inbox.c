/* coffer inbox: what lies in one's mailbox, and what comes. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/encode.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/partner_tool.h"
#include "server/core/clock.h"
#include "server/partner/threads.h"

enum { OPTION_FOLLOW, OPTION_JSON, OPTION_PASSPHRASE_FILE, OPTION_HOME, OPTION_COUNT };
/* PAGE: of messages with the longest signatures, within JSON_DOC_SIZE_MAX. */
enum { WAIT_MS = 90000, BACK_OFF_FIRST_MS = 500, BACK_OFF_MOST_MS = 30000, ASK_AGAIN_MS = 1000, PAGE = 25 };

static const struct argument OPTIONS[] = {
	[OPTION_FOLLOW] = {.name = "follow", .letter = 'f', .help = "wait for more, until interrupted"},
	[OPTION_JSON] = {.name = "json", .help = "one JSON object a line"},
	[OPTION_PASSPHRASE_FILE] = PARTNER_TOOL_PASSPHRASE,
	[OPTION_HOME] = PARTNER_TOOL_HOME,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer inbox [--follow] [--json] [--passphrase-file FILE] [--home DIR]",
	.about = "Lists messages, oldest first: id, time, sender, size, `sealed` or `session`, and whether it is "
		 "signed and\n"
		 "was read. What is listed here is the server's word; coffer read ID verifies.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static bool is_stopped(void)
{
	return stopped != 0;
}

struct message {
	char id[37], from[DIRECTORY_NAME_MAX + 1], received[32], media_type[64];
	int64_t size;
	bool is_signed, is_session, was_read;
	uint8_t digest[DIGEST_SIZE];
};

static bool text_of(const struct json_value *row, const char *name, size_t max, char *ret_text)
{
	const char *text;
	size_t size;

	if (json_doc_string(json_doc_member(row, name), 1, max, &text, &size) != JSON_DOC_OK)
		return false;
	memcpy(ret_text, text, size + 1);
	remote_clean(ret_text);
	return true;
}

static bool read_row(struct partner_tool *tool, const struct json_value *row, struct message *ret_message)
{
	char from[DIRECTORY_NAME_MAX + 1], hex[2 * DIGEST_SIZE + 1], id[37];
	enum state_found found;
	uint8_t raw[16];

	if (!text_of(row, "id", 36, ret_message->id) || !decode_uuid(ret_message->id, raw) ||
	    !text_of(row, "from", DIRECTORY_NAME_MAX, from) || !directory_name(from, ret_message->from) ||
	    !text_of(row, "received", sizeof(ret_message->received) - 1, ret_message->received) ||
	    !text_of(row, "media_type", sizeof(ret_message->media_type) - 1, ret_message->media_type) ||
	    !text_of(row, "sha256", sizeof(hex) - 1, hex) ||
	    !decode_hex(hex, strlen(hex), ret_message->digest, DIGEST_SIZE) ||
	    json_doc_integer(json_doc_member(row, "size"), 0, INT64_MAX, &ret_message->size) != JSON_DOC_OK)
		return complain(&tool->complaint, "the server's list is not what a coffer server says");
	ret_message->is_signed = json_doc_member(row, "signature") != NULL;
	ret_message->is_session = json_doc_member(row, "session") != NULL;
	found = seen_find(&tool->profile, ret_message->digest, id, &tool->complaint);
	ret_message->was_read = found == STATE_FOUND;
	return found != STATE_BROKEN;
}

static bool print_message(const struct message *message, bool as_json, struct complaint *complaint)
{
	char hex[2 * DIGEST_SIZE + 1];
	struct json *doc;
	char *text;
	size_t size;

	if (!as_json) {
		printf("%s  %.19sZ  %-20s %9" PRId64 "  %-7s  %-8s  %s\n", message->id, message->received,
		       message->from, message->size, message->is_session ? "session" : "sealed",
		       message->is_signed ? "signed" : "unsigned", message->was_read ? "read" : "new");
		return true;
	}
	doc = json_new();
	encode_hex(message->digest, DIGEST_SIZE, hex);
	json_text(doc, "id", message->id);
	json_text(doc, "from", message->from);
	json_text(doc, "received", message->received);
	json_number(doc, "size", (uint64_t)message->size);
	json_text(doc, "media_type", message->media_type);
	json_text(doc, "sha256", hex);
	json_bool(doc, "signed", message->is_signed);
	json_bool(doc, "read", message->was_read);
	text = json_print(doc, &size);
	json_free(doc);
	if (!text)
		return complain(complaint, "out of memory");
	puts(text);
	free(text);
	return true;
}

/*
 * Prints a page; *ret_last becomes the id of its last message, *ret_more whether another page is there already. A
 * server that does not go on from there would be asked for ever.
 */
static bool print_page(struct partner_tool *tool, const struct client_reply *reply, bool as_json,
		       char ret_last[static 37], bool *ret_more)
{
	struct json_doc *doc = NULL;
	const struct json_value *row = NULL;
	bool any = false;
	bool good = reply->status == 200 || remote_refused(reply, "listing messages", &tool->complaint);

	if (!good)
		return false;
	if (json_doc_parse(reply->body, reply->size, &doc) != JSON_DOC_OK ||
	    json_doc_array(json_doc_member(json_doc_root(doc), "messages"), 0, PAGE, &row) != JSON_DOC_OK)
		good = complain(&tool->complaint, "the server's list is not what a coffer server says");
	for (; good && row; row = json_doc_next(row)) {
		struct message message;

		good = read_row(tool, row, &message);
		if (good && strcmp(message.id, ret_last) <= 0)
			good = complain(&tool->complaint, "the server's list does not go on from where it ended");
		good = good && print_message(&message, as_json, &tool->complaint);
		any = true;
		if (good)
			memcpy(ret_last, message.id, sizeof(message.id));
	}
	*ret_more = good && any && json_doc_member(json_doc_root(doc), "next") != NULL;
	json_doc_free(doc);
	fflush(stdout);
	return good;
}

static void pause_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	sigset_t ends, before;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &before); /* or one that comes before the wait would not end it */
	if (!stopped)
		(void)ppoll(NULL, 0, &time, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* 5xx and no answer at all pass by themselves; what a 4xx says does not. */
static bool passes(const struct client_reply *reply)
{
	return reply->status == 0 || reply->status == 429 || reply->status >= 500;
}

static bool show(struct partner_tool *tool, bool follow, bool as_json)
{
	char path[256], last[37] = "", before[37];
	const struct client_request request = {.method = "GET", .path = path, .timeout_ms = WAIT_MS};
	long back_off = BACK_OFF_FIRST_MS;
	bool more = true, waiting = false;

	while (more || follow) {
		struct client_reply reply = {0};
		int64_t begun = clock_monotonic_ms();
		bool answered, good;

		snprintf(path, sizeof(path), "/v1/mailboxes/%s/messages?limit=%d%s%s%s", tool->profile.name, PAGE,
			 last[0] ? "&after=" : "", last, waiting ? "&wait=60" : "");
		answered = remote_ask(&tool->remote, &request, &reply, &tool->complaint);
		if (stopped) {
			client_reply_done(&reply);
			return true;
		}
		if (follow && waiting && (!answered || passes(&reply))) {
			client_reply_done(&reply);
			pause_ms(back_off);
			back_off = 2 * back_off < BACK_OFF_MOST_MS ? 2 * back_off : BACK_OFF_MOST_MS;
			continue;
		}
		back_off = BACK_OFF_FIRST_MS;
		begun = clock_monotonic_ms() - begun;
		memcpy(before, last, sizeof(before));
		good = answered && print_page(tool, &reply, as_json, last, &more);
		client_reply_done(&reply);
		if (!good)
			return false;
		/* A server that has no room for those who wait, or --long-poll 0, is asked once in a while. */
		if (waiting && begun < ASK_AGAIN_MS && strcmp(before, last) == 0)
			pause_ms(ASK_AGAIN_MS);
		waiting = follow && !more;
	}
	return true;
}

int command_inbox(int argc, char **argv)
{
	const char *values[OPTION_COUNT];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	const struct sigaction action = {.sa_handler = on_signal};
	struct partner_tool tool;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (values[OPTION_FOLLOW]) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	good = partner_tool_open(&tool, values[OPTION_HOME], values[OPTION_PASSPHRASE_FILE], is_stopped);
	if (good && values[OPTION_FOLLOW])
		profile_close(&tool.profile); /* others may work with it meanwhile */
	good = good && show(&tool, values[OPTION_FOLLOW] != NULL, values[OPTION_JSON] != NULL);
	return partner_tool_close(&tool, good ? 0 : 1);
}
