/* coffer read: verifies, opens and shows a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "crypto/signature.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/message_io.h"
#include "server/cli/partner_tool.h"
#include "server/core/clock.h"
#include "server/core/printable.h"
#include "server/partner/meet.h"
#include "server/partner/threads.h"

enum { OPTION_OUTPUT, OPTION_ACK, OPTION_UNVERIFIED, OPTION_PASSPHRASE_FILE, OPTION_HOME, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_OUTPUT] = {.name = "output", .letter = 'o', .value = "FILE", .help = "else standard output"},
	[OPTION_ACK] = {.name = "ack", .help = "acknowledge it afterwards: the server drops it"},
	[OPTION_UNVERIFIED] = {.name = "unverified",
			       .help = "also open a message whose signature does not fit: anyone may have written it"},
	[OPTION_PASSPHRASE_FILE] = PARTNER_TOOL_PASSPHRASE,
	[OPTION_HOME] = PARTNER_TOOL_HOME,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer read ID [-o FILE] [--ack] [--unverified] [--passphrase-file FILE] [--home DIR]",
	.about = "Verifies the sender's signature against the key that one knows the sender by, opens the message, and "
		 "says\n"
		 "on standard error who signed it, if anybody. Nothing is written unless all of it verifies. Exit "
		 "status 3:\n"
		 "the key of the sender has changed.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "ID",
};

/* A message as the server gave it, and what became of it. */
struct reading {
	struct partner_tool tool;
	char id[37];
	struct client_reply reply;
	char from[DIRECTORY_NAME_MAX + 1];
	uint8_t digest[DIGEST_SIZE];
	bool claims_key, is_signed, is_session;
	uint8_t claimed[DIGEST_SIZE], session[DIGEST_SIZE];
	uint8_t signature[RSAKEY_MAX_SIZE];
	size_t signature_size;
	struct pin pin;
	bool verified; /* the signature fits the pinned key */
	bool repeat;   /* these bytes have been read before */
	char before[37];
	uint8_t *plaintext; /* within reply.body */
	size_t size;
	struct thread thread; /* that it begins or continues */
	bool thread_moved;    /* and that is to be written down */
};

static bool header_digest(struct reading *reading, const char *name, bool *ret_given,
			  uint8_t ret_digest[static DIGEST_SIZE])
{
	char text[128];

	if (!client_reply_header(&reading->reply, name, text, sizeof(text)))
		return false;
	*ret_given = text[0] != '\0';
	return !*ret_given || decode_hex(text, strlen(text), ret_digest, DIGEST_SIZE);
}

static bool read_headers(struct reading *reading)
{
	char sender[128], signature[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)];

	if (!client_reply_header(&reading->reply, "Coffer-Sender", sender, sizeof(sender)) ||
	    !directory_name(sender, reading->from) ||
	    !header_digest(reading, "Coffer-Sender-Fingerprint", &reading->claims_key, reading->claimed) ||
	    !header_digest(reading, "Coffer-Session", &reading->is_session, reading->session) ||
	    !client_reply_header(&reading->reply, "Coffer-Signature", signature, sizeof(signature)))
		return false;
	reading->is_signed = signature[0] != '\0';
	return !reading->is_signed || decode_base64(signature, strlen(signature), reading->signature,
						    sizeof(reading->signature), &reading->signature_size);
}

static bool fetch(struct reading *reading)
{
	struct partner_tool *tool = &reading->tool;
	char path[256];
	const struct client_request request = {.method = "GET", .path = path};

	snprintf(path, sizeof(path), "/v1/mailboxes/%s/messages/%s", tool->profile.name, reading->id);
	if (!remote_ask(&tool->remote, &request, &reading->reply, &tool->complaint))
		return false;
	if (reading->reply.status == 404)
		return complain(&tool->complaint, "there is no message %s in the mailbox of %s", reading->id,
				tool->profile.name);
	if (reading->reply.status != 200)
		return remote_refused(&reading->reply, "reading", &tool->complaint);
	if (!read_headers(reading))
		return complain(&tool->complaint, "the server's answer is not what a coffer server says");
	digest_sha256(reading->reply.body, reading->reply.size, reading->digest);
	switch (seen_find(&tool->profile, reading->digest, reading->before, &tool->complaint)) {
	case STATE_FOUND:
		reading->repeat = true;
		return true;
	case STATE_ABSENT:
		return true;
	case STATE_BROKEN:
		break;
	}
	return false;
}

/* ---- who wrote it ---------------------------------------------------------------------------------------------------
 */

static int verify(struct reading *reading, const struct rsakey_private *key, bool insist)
{
	struct partner_tool *tool = &reading->tool;
	enum meeting meeting;

	if (!reading->is_signed)
		return 0;
	if (!reading->claims_key) {
		complain(&tool->complaint, "the message has a signature and no sender's key: it was not opened");
		return 1;
	}
	meeting = meet_again(&tool->remote, reading->from, reading->claimed, &reading->pin, &tool->complaint);
	if (meeting == MEET_CHANGED || meeting == MEET_FAILED)
		return meeting == MEET_CHANGED ? PARTNER_TOOL_KEY_CHANGED : 1;
	if (meeting == MEET_NEW)
		partner_tool_greet(&tool->profile, reading->from, reading->pin.fingerprint);
	reading->verified =
		signature_check(reading->pin.key, rsakey_private_public(key), reading->reply.body, reading->reply.size,
				reading->signature, reading->signature_size) == CRYPTO_OK;
	if (reading->verified || !insist)
		return 0;
	complain(&tool->complaint,
		 "THE SIGNATURE DOES NOT FIT: the message was not sent by %s for this key. It was not opened; "
		 "--unverified opens it",
		 reading->from);
	return 1;
}

static void tell(const struct reading *reading)
{
	if (reading->is_session)
		fprintf(stderr, "coffer: continues the session with %s\n", reading->from);
	if (reading->verified)
		fprintf(stderr, "coffer: signed by %s, whose key is %s\n", reading->from,
			reading->pin.verified ? "verified" : "known since the first use, and not verified");
	else if (reading->is_signed)
		fprintf(stderr, "coffer: THE SIGNATURE DOES NOT FIT: anyone may have written this\n");
	else if (!reading->is_session)
		fprintf(stderr,
			"coffer: not signed: the server says that it is from %s, and anyone may have written it\n",
			reading->from);
	if (reading->repeat && strcmp(reading->id, reading->before) == 0)
		fprintf(stderr, "coffer: this message was read before\n");
	else if (reading->repeat)
		fprintf(stderr, "coffer: A REPEAT: the same bytes were read before, as message %s\n", reading->before);
}

/* ---- what is in it --------------------------------------------------------------------------------------------------
 */

static bool not_opened(struct complaint *complaint)
{
	return complain(complaint, "the message cannot be opened: it is not for this key, or not whole");
}

static bool open_sealed(struct reading *reading, const struct rsakey_private *key)
{
	const size_t overhead = message_overhead(rsakey_private_public(key));
	struct partner_tool *tool = &reading->tool;
	struct thread thread = {.began_ms = (uint64_t)clock_unix_ms()}, known = {.sent = 0};
	uint8_t *bytes = (uint8_t *)reading->reply.body;
	bool good = true;

	if (reading->reply.size < overhead ||
	    message_open(key, bytes, reading->reply.size, bytes + overhead, &reading->size, &thread.key) != CRYPTO_OK)
		return not_opened(&tool->complaint);
	reading->plaintext = bytes + overhead;
	/* Only what its sender has signed is something to continue; and once: its counters must not begin anew. */
	if (reading->verified) {
		switch (thread_find(&tool->profile, reading->digest, &known, &tool->complaint)) {
		case STATE_FOUND:
			break;
		case STATE_ABSENT:
			memcpy(thread.partner, reading->from, sizeof(thread.partner));
			memcpy(thread.first, reading->digest, sizeof(thread.first));
			memcpy(thread.theirs, reading->pin.fingerprint, sizeof(thread.theirs));
			rsakey_public_id(rsakey_private_public(key), thread.own);
			reading->thread = thread;
			reading->thread_moved = true;
			break;
		case STATE_BROKEN:
			good = false;
			break;
		}
		thread_wipe(&known);
	}
	thread_wipe(&thread);
	return good;
}

/* A session ends with the keys that it was begun under: whoever took an old one may know its AES key. */
static bool under_keys_of_now(struct reading *reading, const struct rsakey_private *key)
{
	const struct thread *thread = &reading->thread;
	struct complaint *complaint = &reading->tool.complaint;
	uint8_t own[DIGEST_SIZE];
	enum meeting meeting;

	if (strcmp(thread->partner, reading->from) != 0)
		return complain(complaint, "the message is not of %s's session", reading->from);
	pin_done(&reading->pin);
	meeting = meet_again(&reading->tool.remote, reading->from, NULL, &reading->pin, complaint);
	if (meeting == MEET_CHANGED || meeting == MEET_FAILED)
		return false;
	rsakey_public_id(rsakey_private_public(key), own);
	return (memcmp(thread->theirs, reading->pin.fingerprint, DIGEST_SIZE) == 0 &&
		memcmp(thread->own, own, DIGEST_SIZE) == 0) ||
	       complain(complaint, "the message continues a session under a key that is no longer %s's, or one's own",
			reading->from);
}

/* What was read before may be shown again, whatever its counter. */
static bool open_session(struct reading *reading, const struct rsakey_private *key)
{
	struct complaint *complaint = &reading->tool.complaint;
	uint8_t *bytes = (uint8_t *)reading->reply.body;
	struct thread *thread = &reading->thread;
	struct session session;
	enum crypto_status status;
	uint64_t counter;

	switch (thread_find(&reading->tool.profile, reading->session, thread, complaint)) {
	case STATE_FOUND:
		break;
	case STATE_ABSENT:
		return complain(
			complaint,
			"the message continues one that was not sealed here, nor read here with a signature that "
			"fits");
	case STATE_BROKEN:
		return false;
	}
	if (!under_keys_of_now(reading, key))
		return false;
	thread_session(thread, false, &session);
	status = session_open(&session, reading->repeat ? 0 : thread->received, bytes, reading->reply.size,
			      bytes + SESSION_OVERHEAD, &counter);
	message_key_wipe(&session.key);
	if (status != CRYPTO_OK)
		return complain(complaint, "the message cannot be opened: it is not of this session, not whole, or its "
					   "counter has not risen");
	reading->plaintext = bytes + SESSION_OVERHEAD;
	reading->size = reading->reply.size - SESSION_OVERHEAD;
	if (counter > thread->received) {
		thread->received = counter;
		reading->thread_moved = true;
	}
	return true;
}

/*
 * Before anything is shown, and only if something will be. The digest comes first: cut short between the two, the
 * message can be read again, as a repeat, which writes the counter down.
 */
static bool remember(struct reading *reading)
{
	const struct profile *profile = &reading->tool.profile;
	struct complaint *complaint = &reading->tool.complaint;

	return (reading->repeat || seen_put(profile, reading->digest, reading->id, complaint)) &&
	       (!reading->thread_moved || thread_save(profile, &reading->thread, complaint));
}

/* Bytes that could command a terminal do not go to one. */
static bool may_show(const struct reading *reading, const char *output)
{
	return !message_io_is_terminal(output) || printable_text(reading->plaintext, reading->size);
}

static bool acknowledge(struct reading *reading)
{
	struct partner_tool *tool = &reading->tool;
	struct client_reply reply = {0};
	char path[256];
	const struct client_request request = {.method = "DELETE", .path = path};
	bool good;

	snprintf(path, sizeof(path), "/v1/mailboxes/%s/messages/%s", tool->profile.name, reading->id);
	good = remote_ask(&tool->remote, &request, &reply, &tool->complaint) &&
	       (reply.status == 204 || remote_refused(&reply, "acknowledging", &tool->complaint));
	client_reply_done(&reply);
	return good;
}

static int read_message(struct reading *reading, const char *const values[static OPTION_COUNT + 1])
{
	struct partner_tool *tool = &reading->tool;
	struct complaint *complaint = &tool->complaint;
	const struct rsakey_private *key;
	int status;

	if (!fetch(reading) || !partner_tool_load_key(tool, &key, complaint))
		return 1;
	status = verify(reading, key, !values[OPTION_UNVERIFIED]);
	if (status != 0)
		return status;
	if (!(reading->is_session ? open_session(reading, key) : open_sealed(reading, key)))
		return 1;
	if (!may_show(reading, values[OPTION_OUTPUT])) {
		complain(complaint, "the message is no plain text: -o FILE, or a pipe, takes it");
		return 1;
	}
	if (!remember(reading))
		return 1;
	tell(reading);
	if (!message_io_write(values[OPTION_OUTPUT], reading->plaintext, reading->size, complaint->text,
			      sizeof(complaint->text)))
		return 1;
	return !values[OPTION_ACK] || acknowledge(reading) ? 0 : 1;
}

int command_read(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct reading reading = {.size = 0};
	uint8_t id[16];
	int status = 1;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPTION_COUNT] || !decode_uuid(values[OPTION_COUNT], id)) {
		fprintf(stderr, "coffer: the id of a message is needed: coffer inbox lists them\nusage: %s\n",
			ARGUMENTS.usage);
		return 2;
	}
	encode_uuid(id, reading.id);
	if (partner_tool_open(&reading.tool, values[OPTION_HOME], values[OPTION_PASSPHRASE_FILE], NULL))
		status = read_message(&reading, values);
	client_reply_done(&reading.reply);
	pin_done(&reading.pin);
	thread_wipe(&reading.thread);
	return partner_tool_close(&reading.tool, status);
}
