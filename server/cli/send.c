/* coffer send: seals, signs, and deposits a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/signature.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/cli/partner_tool.h"
#include "server/core/clock.h"
#include "server/partner/meet.h"
#include "server/partner/threads.h"

enum { OPTION_SESSION, OPTION_EXPIRES_IN, OPTION_PASSPHRASE_FILE, OPTION_HOME, OPTION_COUNT };
/* FRONT: room before what was read, for sealing under whatever key. */
enum { MESSAGE_LIMIT = 64 << 20, FRONT = RSAKEY_MAX_SIZE + MESSAGE_NONCE_SIZE + MESSAGE_TAG_SIZE };

static const struct argument OPTIONS[] = {
	[OPTION_SESSION] =
		{.name = "session",
		 .help = "continue with the AES key of the last message exchanged with NAME that was sealed here\n"
			 "      or signed there, instead of a new one"},
	[OPTION_EXPIRES_IN] = {.name = "expires-in",
			       .value = "SECONDS",
			       .help = "how long the server keeps it; else its --message-ttl"},
	[OPTION_PASSPHRASE_FILE] = PARTNER_TOOL_PASSPHRASE,
	[OPTION_HOME] = PARTNER_TOOL_HOME,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer send NAME [FILE] [--session] [--expires-in SECONDS] [--passphrase-file FILE] [--home DIR]",
	.about = "Seals FILE, or standard input, for NAME, signs it, and deposits it; prints the message's id. Exit "
		 "status 3: the key of NAME has changed.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "NAME",
	.more_operands = 1,
};

/* A message on its way. */
struct letter {
	struct partner_tool tool;
	char to[DIRECTORY_NAME_MAX + 1];
	struct pin pin;
	struct message_io io;
	size_t front; /* what sealing adds before the ciphertext, of the room in `io` */
	const uint8_t *sealed;
	size_t size;
	struct thread thread;
	bool session;
};

static bool seal(struct letter *letter, const struct rsakey_private *key)
{
	struct thread *thread = &letter->thread;
	struct complaint *complaint = &letter->tool.complaint;
	uint8_t *sealed = letter->io.bytes + FRONT - letter->front;

	if (message_seal(letter->pin.key, letter->io.bytes + FRONT, letter->io.size, sealed, &thread->key) != CRYPTO_OK)
		return complain(complaint, "the message could not be sealed");
	letter->sealed = sealed;
	letter->size = letter->front + letter->io.size;
	memcpy(thread->partner, letter->to, sizeof(thread->partner));
	digest_sha256(sealed, letter->size, thread->first);
	rsakey_public_id(rsakey_private_public(key), thread->own);
	memcpy(thread->theirs, letter->pin.fingerprint, sizeof(thread->theirs));
	thread->began_ms = (uint64_t)clock_unix_ms();
	return thread_save(&letter->tool.profile, thread, complaint);
}

static bool find_thread(struct letter *letter, const struct rsakey_private *key)
{
	uint8_t own[DIGEST_SIZE];

	rsakey_public_id(rsakey_private_public(key), own);
	switch (thread_newest(&letter->tool.profile, letter->to, own, letter->pin.fingerprint, &letter->thread,
			      &letter->tool.complaint)) {
	case STATE_FOUND:
		return true;
	case STATE_ABSENT:
		return complain(&letter->tool.complaint,
				"there is no message with %s to continue, under the keys of now: send one without "
				"--session first",
				letter->to);
	case STATE_BROKEN:
		break;
	}
	return false;
}

/* The counter is written down before the message leaves: it never serves twice, though it may be left out. */
static bool seal_session(struct letter *letter, const struct rsakey_private *key)
{
	uint8_t *sealed = letter->io.bytes + FRONT - letter->front;
	struct session session;
	enum crypto_status status;

	if (!find_thread(letter, key))
		return false;
	letter->thread.sent++;
	if (!thread_save(&letter->tool.profile, &letter->thread, &letter->tool.complaint))
		return false;
	thread_session(&letter->thread, true, &session);
	status = session_seal(&session, letter->thread.sent, letter->io.bytes + FRONT, letter->io.size, sealed);
	message_key_wipe(&session.key);
	letter->sealed = sealed;
	letter->size = letter->front + letter->io.size;
	return status == CRYPTO_OK || complain(&letter->tool.complaint, "the message could not be sealed");
}

/* The request is the same however often it is sent: its key keeps a second deposit out. */
static bool deposit(struct letter *letter, const struct rsakey_private *key, unsigned seconds)
{
	const size_t k = rsakey_public_size(rsakey_private_public(key));
	struct complaint *complaint = &letter->tool.complaint;
	char path[160], hex[2 * DIGEST_SIZE + 1], session[128], expires[64], once[64] = "Idempotency-Key: ";
	char signature[64 + ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)] = "Coffer-Signature: ";
	const char *headers[5] = {signature, once};
	size_t count = 2;
	struct client_request request = {.method = "POST",
					 .path = path,
					 .media_type = letter->session ? "application/vnd.coffer.session"
								       : "application/vnd.coffer.message",
					 .body = letter->sealed,
					 .size = letter->size,
					 .headers = headers};
	struct client_reply reply = {0};
	struct json_doc *doc = NULL;
	uint8_t made[RSAKEY_MAX_SIZE], id[16];
	char text[37];
	bool good;

	if (signature_make(key, letter->pin.key, letter->sealed, letter->size, made) != CRYPTO_OK ||
	    random_uuid4(id) != CRYPTO_OK)
		return complain(complaint, "the message could not be signed");
	encode_base64(made, k, signature + strlen(signature));
	encode_uuid(id, once + strlen(once));
	if (letter->session) {
		encode_hex(letter->thread.first, DIGEST_SIZE, hex);
		snprintf(session, sizeof(session), "Coffer-Session: %s", hex);
		headers[count++] = session;
	}
	if (seconds) {
		snprintf(expires, sizeof(expires), "Expires-In: %u", seconds);
		headers[count++] = expires;
	}
	snprintf(path, sizeof(path), "/v1/mailboxes/%s/messages", letter->to);
	if (!remote_ask(&letter->tool.remote, &request, &reply, complaint))
		return false;
	good = reply.status == 201 || remote_refused(&reply, "sending", complaint);
	if (reply.status >= 400 && reply.status < 500 && !letter->session)
		thread_forget(&letter->tool.profile, letter->thread.first); /* nobody can continue what was not taken */
	if (good && (json_doc_parse(reply.body, reply.size, &doc) != JSON_DOC_OK || !state_text(doc, "id", 36, text) ||
		     !decode_uuid(text, id)))
		good = complain(complaint, "sent, but the server's answer is not what a coffer server says");
	json_doc_free(doc);
	client_reply_done(&reply);
	if (good)
		printf("%s\n", text);
	return good;
}

static int send_letter(struct letter *letter, const char *const values[static OPTION_COUNT + 2], unsigned seconds)
{
	struct complaint *complaint = &letter->tool.complaint;
	const struct rsakey_private *key;
	enum meeting meeting;

	if (!partner_tool_name(values[OPTION_COUNT], letter->to, complaint))
		return 1;
	meeting = meet(&letter->tool.remote, letter->to, &letter->pin, complaint);
	if (meeting == MEET_CHANGED || meeting == MEET_FAILED)
		return meeting == MEET_CHANGED ? PARTNER_TOOL_KEY_CHANGED : 1;
	if (meeting == MEET_NEW)
		partner_tool_greet(&letter->tool.profile, letter->to, letter->pin.fingerprint);
	letter->session = values[OPTION_SESSION] != NULL;
	letter->front = letter->session ? (size_t)SESSION_OVERHEAD : message_overhead(letter->pin.key);
	return partner_tool_load_key(&letter->tool, &key, complaint) &&
			       (letter->session ? seal_session(letter, key) : seal(letter, key)) &&
			       deposit(letter, key, seconds)
		       ? 0
		       : 1;
}

int command_send(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 2];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct letter letter = {.session = false};
	struct message_io io = {0};
	char error[4400];
	unsigned seconds = 0;
	int status = 1;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPTION_COUNT] ||
	    (values[OPTION_EXPIRES_IN] && !arguments_number(values[OPTION_EXPIRES_IN], 1, UINT32_MAX / 10, &seconds))) {
		fprintf(stderr, "coffer: a name is needed, and whole seconds\nusage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	/* Before the profile is locked: what writes the message may need it, as in coffer read ID | coffer send NAME.
	 */
	if (!message_io_read(values[OPTION_COUNT + 1], FRONT, MESSAGE_LIMIT, &io, error, sizeof(error))) {
		fprintf(stderr, "coffer: %s\n", error);
		return 1;
	}
	letter.io = io;
	if (partner_tool_open(&letter.tool, values[OPTION_HOME], values[OPTION_PASSPHRASE_FILE], NULL))
		status = send_letter(&letter, values, seconds);
	message_io_done(&letter.io);
	thread_wipe(&letter.thread);
	pin_done(&letter.pin);
	return partner_tool_close(&letter.tool, status);
}
