/* What is audited after a request is over. */
#include <stdlib.h>

#include "server/api/call.h"
#include "server/core/clock.h"

/* An event of its own, which no request waits for. */
struct afterword {
	struct store_job job; /* first */
	const struct vault *vault;
	struct audit_event event;
};

static enum store_status afterword_apply(struct store_job *job, struct store_txn *txn)
{
	struct afterword *after = (struct afterword *)job;

	return audit_append(after->vault, txn, &after->event);
}

static void afterword_settled(struct store_job *job, bool committed)
{
	audit_settled(((struct afterword *)job)->vault, committed);
}

static void afterword_done(struct store_job *job, enum store_status outcome)
{
	(void)outcome; /* the read's own event stands; there is nobody left to tell */
	free(job);
}

void call_audit_interruption(const struct call *call)
{
	struct afterword *after = calloc(1, sizeof(*after));

	if (!after)
		return;
	after->job = (struct store_job){.apply = afterword_apply, .settled = afterword_settled, .done = afterword_done};
	after->vault = call->api->options.vault;
	after->event = call->event;
	after->event.action = AUDIT_RECORD_INTERRUPTED;
	after->event.has_note = false; /* it stands beside the read's own event */
	after->event.time_ms = clock_unix_ms();
	if (store_submit(after->vault->store, &after->job) != STORE_OK) {
		if (call->api->options.log)
			call->api->options.log("an interrupted download could not be audited: the queue is full");
		free(after);
	}
}
