/* The audit log, and the store held against it. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/check_index.h"
#include "server/core/check_internal.h"
#include "server/core/identities.h"

struct history {
	const struct check_options *options;
	struct check_totals *totals;
	struct store_view *view; /* for look-ups: another one walks the log */
	enum core_status failure;
	struct check_index *index;
	void *missing; /* tsearch(3): ids of messages that are not there, and of whose removal nothing was read yet */
};

/* ---- messages -----------------------------------------------------------------------------------------------------
 */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void miss(struct history *history, const uint8_t id[static 16])
{
	uint8_t *copy = malloc(16);
	void *const *node;

	if (copy)
		memcpy(copy, id, 16);
	node = copy ? tsearch(copy, &history->missing, compare_ids) : NULL;
	if (!node)
		history->failure = CORE_NOMEM;
	if (!node || *node != copy)
		free(copy);
}

static void stop_missing(struct history *history, const uint8_t id[static 16])
{
	void *const *node = tfind(id, &history->missing, compare_ids);
	void *copy = node ? *node : NULL;

	if (node)
		(void)tdelete(id, &history->missing, compare_ids);
	free(copy);
}

static void report_message(struct history *history, enum check_failure failure, const uint8_t id[static 16])
{
	struct check_fault fault = {.subject = CHECK_MESSAGE, .failure = failure};

	memcpy(fault.id, id, sizeof(fault.id));
	history->totals->faults++;
	history->options->fault(history->options->arg, &fault);
}

/*
 * A message and the event of its deposit are committed together, and so are its removal and that event. The log is read
 * on to its end, so that a removal meanwhile is read as well.
 */
static void on_message(struct history *history, const struct audit_event *event)
{
	uint8_t state = 0;
	enum store_status status;

	if (event->action == AUDIT_MESSAGE_DEPOSIT
		    ? event->outcome != 201
		    : event->action == AUDIT_MESSAGE_ACKNOWLEDGE && event->outcome != 204)
		return;
	status = store_message_state(history->view, event->object_id, &state);
	if (!check_is_finding(status))
		history->failure = core_from_store(status);
	else if (event->action == AUDIT_MESSAGE_DEPOSIT && status == STORE_NOT_FOUND)
		miss(history, event->object_id);
	else if (event->action != AUDIT_MESSAGE_DEPOSIT && status == STORE_OK && state == STORE_MESSAGE_KEPT)
		report_message(history, CHECK_RESTORED, event->object_id);
	if (event->action != AUDIT_MESSAGE_DEPOSIT)
		stop_missing(history, event->object_id);
}

static void report_missing(struct history *history, bool whole)
{
	while (history->missing) {
		uint8_t *id = *(void **)history->missing;

		if (whole)
			report_message(history, CHECK_HISTORY, id);
		stop_missing(history, id);
	}
}

/* ---- versions and keys ---------------------------------------------------------------------------------------------
 */

static bool stopped(const struct check_options *options)
{
	return options->stop && options->stop(options->arg);
}

static bool on_progress(void *arg, uint64_t done)
{
	const struct history *history = arg;
	const struct check_options *options = history->options;

	if (options->progress)
		options->progress(options->arg, CHECK_STAGE_AUDIT, history->totals, done);
	return history->failure == CORE_OK && !stopped(options);
}

/* The key that was current before is retired, and its row stays. */
static void on_rotation(struct history *history, uint64_t sequence)
{
	const struct identities *identities = history->options->vault->identities;
	const struct check_fault fault = {.subject = CHECK_FILE,
					  .failure = CHECK_HISTORY,
					  .detail = "table identity_key lacks a key that was retired"};

	for (size_t i = 0; identities && i < identities->count; i++)
		if (identities->keys[i].state == STORE_IDENTITY_RETIRED &&
		    identities->keys[i].last_event == sequence - 1)
			return;
	history->totals->faults++;
	history->options->fault(history->options->arg, &fault);
}

/* *ret_subject: of what. */
static bool made_a_version(const struct audit_event *event, enum check_subject *ret_subject)
{
	*ret_subject = event->action == AUDIT_KEY_PUT || event->action == AUDIT_KEY_REMOVE ? CHECK_DIRECTORY_KEY
											   : CHECK_RECORD;
	switch (event->action) {
	case AUDIT_KEY_PUT:
		return event->outcome == 200 || event->outcome == 201;
	case AUDIT_RECORD_CREATE:
		return event->outcome == 201;
	case AUDIT_RECORD_REPLACE:
		return event->outcome == 200;
	case AUDIT_KEY_REMOVE:
	case AUDIT_RECORD_DELETE: /* its tombstone */
		return event->outcome == 204;
	default:
		return false;
	}
}

/*
 * A version and its event are committed together, and a record's numbers only rise: when its latest is below the
 * event's, the record was removed or put back to an earlier state. So it is with the changes of a key.
 */
static void on_event(void *arg, uint64_t sequence, const struct audit_event *event)
{
	struct history *history = arg;
	struct check_fault fault = {
		.failure = CHECK_HISTORY, .version = event->version, .version_last = event->version};
	uint64_t latest = 0;
	enum store_status status;

	check_index_event(history->index, sequence, event);
	if (event->action == AUDIT_IDENTITY_ROTATE)
		on_rotation(history, sequence);
	if (history->failure == CORE_OK &&
	    (event->action == AUDIT_MESSAGE_DEPOSIT || event->action == AUDIT_MESSAGE_ACKNOWLEDGE ||
	     event->action == AUDIT_MESSAGE_EXPIRED))
		on_message(history, event);
	if (!made_a_version(event, &fault.subject) || history->failure != CORE_OK)
		return;
	if (fault.subject == CHECK_DIRECTORY_KEY)
		status = store_directory_sequence(history->view, event->object_id, &latest);
	else
		status = store_record_version(history->view, event->object_id, &latest);
	if (!check_is_finding(status))
		history->failure = core_from_store(status);
	/* A row that cannot be read is there: the walk of the records names it. */
	if ((status != STORE_OK && status != STORE_NOT_FOUND) || latest >= event->version)
		return;
	memcpy(fault.id, event->object_id, sizeof(fault.id));
	history->totals->faults++;
	history->options->fault(history->options->arg, &fault);
}

enum core_status check_audit(const struct check_options *options, FILE *report, struct check_totals *totals,
			     bool *ret_whole)
{
	struct history history = {.options = options, .totals = totals};
	const struct audit_watch watch = {.progress = on_progress, .event = on_event, .arg = &history};
	struct store_view *view = NULL;
	enum core_status status = core_from_store(store_view_new(options->vault->store, &view));
	uint64_t count;
	bool good = true;

	*ret_whole = false;
	if (status == CORE_OK)
		status = core_from_store(store_view_new(options->vault->store, &history.view));
	if (status == CORE_OK && !(history.index = check_index_new()))
		status = CORE_NOMEM;
	if (status == CORE_OK)
		status = audit_verify(view, options->vault, report, &watch, &count, &good);
	report_missing(&history, status == CORE_OK && good);
	if (status == CORE_OK && history.failure == CORE_OK && !stopped(options))
		status = check_index_compare(history.index, options->vault, view, report, &totals->faults);
	check_index_free(history.index);
	store_view_free(history.view);
	store_view_free(view);
	if (history.failure != CORE_OK)
		return history.failure;
	if (status == CORE_BUSY && stopped(options))
		return CORE_OK;
	if (status == CORE_DAMAGED) {
		fputs("audit log: cannot be read to its end\n", report);
		good = false;
		status = CORE_OK;
	}
	totals->faults += !good;
	*ret_whole = status == CORE_OK;
	return status;
}
