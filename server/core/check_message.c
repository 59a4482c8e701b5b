/* Messages of mailboxes, and the idempotency rows that name them. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/core/check_internal.h"
#include "server/core/mailbox.h"
#include "server/core/record_answer.h"
#include "server/core/rowmac.h"

static void report(struct check *check, enum check_failure failure, const uint8_t id[static 16])
{
	struct check_fault fault = {.subject = CHECK_MESSAGE, .failure = failure};

	memcpy(fault.id, id, sizeof(fault.id));
	check_report(check, &fault);
}

enum { MESSAGES_AT_ONCE = 64 };

struct message_walk {
	struct check *check;
	uint8_t last[16];
	size_t count;
};

static bool visit_message(void *arg, const struct store_message *row)
{
	struct message_walk *walk = arg;
	const uint64_t size = row->state == STORE_MESSAGE_KEPT ? row->size : 0;
	uint8_t digest[DIGEST_SIZE];

	walk->count++;
	memcpy(walk->last, row->message_id, sizeof(walk->last));
	digest_sha256(row->body.data, row->body.size, digest);
	if (!rowmac_check_message(walk->check->vault, row))
		report(walk->check, CHECK_ROW_MAC, row->message_id);
	else if (row->body.size != size || (size > 0 && memcmp(digest, row->digest, sizeof(digest)) != 0))
		report(walk->check, CHECK_MESSAGE_BYTES, row->message_id);
	return true;
}

/* A page at a time: a long read would keep the log from being restarted. */
enum store_status check_messages(struct check *check, struct store_view *view)
{
	struct message_walk walk = {.check = check, .count = MESSAGES_AT_ONCE};
	enum store_status status = STORE_OK;

	while (status == STORE_OK && walk.count == MESSAGES_AT_ONCE && !check_stopped(check)) {
		uint8_t after[16];

		memcpy(after, walk.last, sizeof(after));
		walk.count = 0;
		status = store_message_walk(view, after, MESSAGES_AT_ONCE, visit_message, &walk);
	}
	return status;
}

/* Of a message that has been shredded nothing is left to check it by; a record's id has no place there. */
static enum core_status judge_without(struct store_view *view, const struct store_idempotency *row)
{
	uint64_t version;
	const enum store_status status = store_record_version(view, row->record_id, &version);

	if (status == STORE_NOT_FOUND)
		return CORE_OK;
	return status == STORE_OK ? CORE_DAMAGED : core_from_store(status);
}

enum core_status check_message_answer(const struct check_worker *worker, const struct store_idempotency *row)
{
	struct store_message *message = NULL;
	uint8_t request[DIGEST_SIZE], mac[DIGEST_SIZE];
	enum store_status status = store_message_get(worker->view, row->record_id, &message);
	bool good;

	if (status == STORE_NOT_FOUND)
		return judge_without(worker->view, row);
	if (status != STORE_OK)
		return check_is_finding(status) ? CORE_OK : core_from_store(status);
	mailbox_request(message->mailbox, (enum mailbox_kind)message->kind, message->session, message->digest, request);
	record_answer_mac(worker->vault, row, request, mac);
	good = secret_equal(mac, row->body_mac, sizeof(mac));
	/* Of a message whose row does not verify that is said, and no more. */
	good = good || !rowmac_check_message(worker->vault, message);
	free(message);
	return good ? CORE_OK : CORE_DAMAGED;
}
