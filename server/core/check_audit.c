/* The audit log, and the store held against it. */
#include <string.h>

#include "server/core/audit.h"
#include "server/core/check_internal.h"

struct history {
	const struct check_options *options;
	struct check_totals *totals;
	struct store_view *view; /* for look-ups: another one walks the log */
	enum core_status failure;
};

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

/* *ret_subject: of what. */
static bool made_a_version(const struct audit_event *event, enum check_subject *ret_subject)
{
	*ret_subject = event->action == AUDIT_KEY_PUT || event->action == AUDIT_KEY_REMOVE ? CHECK_DIRECTORY_KEY
											   : CHECK_RECORD;
	switch (event->action) {
	case AUDIT_KEY_PUT:
		return event->outcome == 200 || event->outcome == 201;
	case AUDIT_KEY_REMOVE:
	case AUDIT_RECORD_CREATE:
		return event->outcome == 201;
	case AUDIT_RECORD_REPLACE:
		return event->outcome == 200;
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
static void on_event(void *arg, const struct audit_event *event)
{
	struct history *history = arg;
	struct check_fault fault = {
		.failure = CHECK_HISTORY, .version = event->version, .version_last = event->version};
	uint64_t latest = 0;
	enum store_status status;

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
	if (status == CORE_OK)
		status = audit_verify(view, options->vault, report, &watch, &count, &good);
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
