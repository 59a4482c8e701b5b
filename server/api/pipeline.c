#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/call.h"
#include "server/api/tally.h"
#include "server/api/waiters.h"
#include "server/core/clock.h"
#include "server/core/keyring.h"
#include "server/core/login.h"
#include "server/core/metrics.h"
#include "server/core/principals.h"
#include "server/core/rates.h"
#include "server/core/refusals.h"

/* ---- helpers that the resources share -----------------------------------------------------------------------------
 */

struct store_view *call_view(const struct call *call)
{
	const struct api_loop *loop = http_loop_context(call->x);

	return loop->view;
}

struct store_view *call_reading_view(const struct call *call)
{
	const struct api_loop *loop = http_loop_context(call->x);

	return loop->reading;
}

bool call_is_known(const struct call *call)
{
	static const uint8_t nobody[16];

	return memcmp(call->event.account_id, nobody, sizeof(nobody)) != 0;
}

void call_wake(void *arg)
{
	struct call *call = arg;
	struct api *api = call->api; /* once woken, the call may be gone before this returns */

	http_wake(call->x);
	api_flush(api);
}

enum problem call_problem(enum core_status status)
{
	switch (status) {
	case CORE_OK:
	case CORE_REPLAY:
		break;
	case CORE_NOT_FOUND:
		return PROBLEM_NOT_FOUND;
	case CORE_GONE:
		return PROBLEM_GONE;
	case CORE_DENIED:
		return PROBLEM_UNAUTHORIZED;
	case CORE_FORBIDDEN:
		return PROBLEM_FORBIDDEN;
	case CORE_PROOF:
		return PROBLEM_PROOF_REFUSED;
	case CORE_INVITE:
		return PROBLEM_INVITE_REFUSED;
	case CORE_MAILBOX_FULL:
		return PROBLEM_MAILBOX_FULL;
	case CORE_SENDER_QUOTA:
		return PROBLEM_SENDER_QUOTA;
	case CORE_STALE:
		return PROBLEM_PRECONDITION_FAILED;
	case CORE_KEY_REUSED:
		return PROBLEM_KEY_REUSED;
	case CORE_DAMAGED:
		return PROBLEM_RECORD_DAMAGED;
	case CORE_SEALED:
		return PROBLEM_SEALED;
	case CORE_CONFLICT:
		return PROBLEM_CONFLICT;
	case CORE_BUSY:
		return PROBLEM_BUSY;
	case CORE_NO_SPACE:
		return PROBLEM_INSUFFICIENT_STORAGE;
	case CORE_UNKNOWN:
		return PROBLEM_OUTCOME_UNKNOWN;
	case CORE_UNAVAILABLE:
		return PROBLEM_STORE_UNAVAILABLE;
	case CORE_NOMEM:
	case CORE_INTERNAL:
		return PROBLEM_INTERNAL;
	}
	return PROBLEM_INTERNAL;
}

void call_refuse(struct call *call, enum core_status status)
{
	http_problem(call->x, call_problem(status), NULL);
	call->refused = true;
}

void call_refuse_rate(struct call *call, unsigned seconds)
{
	http_problem(call->x, PROBLEM_RATE_LIMITED, NULL);
	http_reply_header(call->x, "Retry-After", "%u", seconds);
	call->refused = true;
}

void call_failed(struct call *call)
{
	(void)rates_take(call->api->failures, http_peer(call->x));
}

bool call_record_id(struct call *call, uint8_t ret_id[static 16])
{
	if (!decode_uuid(http_param(call->x, 0), ret_id)) {
		call_refuse(call, CORE_NOT_FOUND);
		return false;
	}
	memcpy(call->event.object_id, ret_id, 16);
	return true;
}

/* ---- the committer's side -----------------------------------------------------------------------------------------
 */

static enum store_status ask_receipt(struct call *call, const struct audit_event *event)
{
	struct receipt *claim = &call->ticket.receipt;

	memcpy(claim->record_id, event->object_id, sizeof(claim->record_id));
	claim->version = event->version;
	memcpy(claim->sha256, call->written, sizeof(claim->sha256));
	claim->sequence = audit_appended(call->api->options.vault);
	claim->time_ms = event->time_ms;
	return receipt_ask(call->api->receipts, &call->ticket) ? STORE_OK : STORE_NOMEM;
}

static enum store_status commit_apply(struct store_job *job, struct store_txn *txn)
{
	struct call *call = (struct call *)job;
	struct audit_event event;
	enum store_status status = STORE_OK;

	if (!call->refused) {
		call->result = CORE_OK;
		if (call->steps->apply)
			status = call->steps->apply(call, txn);
		if (status != STORE_OK || !call_is_known(call))
			return status;
	}
	/* A copy: this may run again, and the outcome may then be another. */
	event = call->event;
	event.time_ms = clock_unix_ms();
	if (call->refused)
		event.outcome = http_reply_status(call->x);
	else if (call->result != CORE_OK && call->result != CORE_REPLAY)
		event.outcome = problem_status(call_problem(call->result));
	status = audit_append(call->api->options.vault, txn, &event);
	if (status == STORE_OK && event.has_note)
		status = store_audit_note_insert(txn, audit_appended(call->api->options.vault),
						 (struct store_bytes){call->reason, call->reason_size});
	if (status == STORE_OK && call->steps->receipt && !call->refused &&
	    (call->result == CORE_OK || call->result == CORE_REPLAY))
		status = ask_receipt(call, &event);
	return status;
}

static void commit_settled(struct store_job *job, bool committed)
{
	const struct call *call = (struct call *)job;
	const struct vault *vault = call->api->options.vault;

	audit_settled(vault, committed);
	receipt_settled(call->api->receipts, committed);
	if (call->steps->changes_accounts && vault->principals)
		principals_forget(vault->principals);
}

static void commit_done(struct store_job *job, enum store_status outcome)
{
	struct call *call = (struct call *)job;

	call->outcome = outcome;
	if (outcome == STORE_OK && !call->refused && call->result == CORE_OK && call->steps->announce)
		call->steps->announce(call);
	http_wake(call->x);
}

static enum http_next commit(struct call *call)
{
	const bool of_nobody = call->refused && !call_is_known(call);
	enum store_status status;

	if (of_nobody) {
		refusals_count(call->api->options.refusals, call->event.peer);
		metrics_count(call->api->options.vault->metrics, METRIC_REFUSED_UNKNOWN, 1);
	}
	if (!call->steps->action || of_nobody || (call->steps->logs_refusals && !call->refused)) {
		call->phase = CALL_ANSWERED;
		if (!call->refused && call->steps->finish)
			call->steps->finish(call);
		return HTTP_GO;
	}
	call->phase = CALL_COMMITTING;
	call->job = (struct store_job){.apply = commit_apply, .settled = commit_settled, .done = commit_done};
	status = store_submit(call->api->options.vault->store, &call->job);
	if (status == STORE_OK)
		return HTTP_WAIT;
	call->phase = CALL_ANSWERED;
	call_refuse(call, core_from_store(status));
	return HTTP_GO;
}

static void reply_receipt(struct call *call)
{
	char text[RECEIPT_TEXT_MAX];

	receipt_collect(&call->ticket);
	receipt_print(&call->ticket.receipt, text);
	http_reply_header(call->x, "Coffer-Receipt", "%s", text);
}

static enum http_next committed(struct call *call)
{
	call->phase = CALL_ANSWERED;
	if (call->outcome != STORE_OK)
		call_refuse(call, core_from_store(call->outcome));
	else if (!call->refused)
		call->steps->finish(call);
	if (call->outcome == STORE_OK && call->ticket.batch)
		reply_receipt(call);
	return HTTP_GO;
}

/* ---- the loop's side ----------------------------------------------------------------------------------------------
 */

static void check_space(struct call *call)
{
	enum store_space space = store_space(call->api->options.vault->store);

	if (space == STORE_SPACE_LOW && call->steps->writes)
		call_refuse(call, CORE_NO_SPACE);
	else if (space == STORE_SPACE_NONE)
		call_refuse(call, call->steps->writes ? CORE_NO_SPACE : CORE_UNAVAILABLE);
}

static enum http_next app_head(struct http_exchange *x, void *arg)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call) {
		http_problem(x, PROBLEM_INTERNAL, NULL);
		return HTTP_GO;
	}
	call->api = arg;
	call->x = x;
	call->steps = http_route(x)->steps;
	call->event.action = call->steps->action;
	strncpy(call->event.peer, http_peer(x), sizeof(call->event.peer) - 1);
	if (!decode_hex(http_request_id(x), strlen(http_request_id(x)), call->event.request_id, 16))
		memset(call->event.request_id, 0, sizeof(call->event.request_id));
	http_set_state(x, call);
	if (http_route(x)->scope || (call->steps->may_authenticate && http_header(x, "Authorization", NULL))) {
		call_authenticate(call);
		if (call->refused && !call_is_known(call))
			return commit(call);
	}
	if (!call->refused && !http_check_body(x))
		call->refused = true;
	if (!call->refused && call->steps->unwraps && keyring_sealed(call->api->options.vault->ring))
		call_refuse(call, CORE_SEALED);
	if (!call->refused && call->steps->action && !call->steps->logs_refusals)
		check_space(call);
	if (!call->refused && call->steps->begin)
		call->steps->begin(call);
	return call->refused ? commit(call) : HTTP_GO;
}

static enum http_next app_body(struct http_exchange *x, const uint8_t *bytes, size_t size, size_t *ret_used, void *arg)
{
	struct call *call = http_state(x);

	(void)arg;
	*ret_used = size;
	if (call && !call->refused && call->steps->body)
		call->steps->body(call, bytes, size, ret_used);
	if (call && call->refused)
		*ret_used = size;
	return *ret_used < size ? HTTP_WAIT : HTTP_GO;
}

static void run_work(struct work *work)
{
	struct call *call = (struct call *)((char *)work - offsetof(struct call, work));

	call->steps->work(call);
	call_wake(call);
}

static enum http_next prepare(struct call *call)
{
	enum call_next next = CALL_GO;

	call->phase = CALL_PREPARING;
	if (!call->refused && call->steps->prepare)
		next = call->steps->prepare(call);
	if (call->refused)
		return commit(call);
	switch (next) {
	case CALL_GO:
		break;
	case CALL_ROOM:
		return HTTP_WAIT;
	case CALL_LONG:
		call->waited = true;
		http_wait_until(call->x, call->wait_until_ms);
		return HTTP_WAIT;
	case CALL_WORK:
		call->phase = CALL_WORKING;
		call->work.run = run_work;
		if (workers_submit(call->api->options.workers, &call->work))
			return HTTP_WAIT;
		call_refuse(call, CORE_BUSY);
		break;
	}
	return commit(call);
}

static enum http_next app_ready(struct http_exchange *x, void *arg)
{
	struct call *call = http_state(x);

	(void)arg;
	/* Refused at the head and audited there: the reply stands. */
	if (!call || call->phase == CALL_ANSWERED)
		return HTTP_GO;
	/* The edge refused a body that outgrew its limit: what has come of it must not pass for the whole. */
	if (http_reply_status(x))
		call->refused = true;
	return prepare(call);
}

static enum http_next app_resumed(struct http_exchange *x, void *arg)
{
	struct call *call = http_state(x);

	(void)arg;
	switch (call->phase) {
	case CALL_PREPARING:
		/* A token that has ended meanwhile opens nothing. */
		if (call->waited)
			call_authenticate(call);
		return call->refused ? commit(call) : prepare(call);
	case CALL_WORKING:
		call->steps->worked(call);
		return commit(call);
	case CALL_COMMITTING:
		return committed(call);
	case CALL_READING:
	case CALL_ANSWERED:
		break;
	}
	return HTTP_GO;
}

static bool app_wait_over(struct http_exchange *x, void *arg)
{
	struct call *call = http_state(x);

	(void)arg;
	return call->steps->wait_over(call);
}

/* ---- the end --------------------------------------------------------------------------------------------------------
 */

static void app_closed(struct http_exchange *x, bool completed, void *arg)
{
	struct call *call = http_state(x);

	(void)arg;
	if (!call)
		return;
	if (call->steps->close)
		call->steps->close(call, completed);
	if (call->interrupted)
		call_audit_interruption(call);
	free(call->reason);
	receipt_release(&call->ticket);
	http_set_state(x, NULL);
	free(call);
}

static void app_loop_stop(void *arg, void *context)
{
	struct api_loop *loop = context;

	(void)arg;
	store_view_free(loop->view);
	store_view_free(loop->reading);
	free(loop);
}

static void *app_loop_start(void *arg)
{
	struct api *api = arg;
	struct api_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->sheet = tally_sheet_new(api->tally);
	if (loop->sheet && store_view_new(api->options.vault->store, &loop->view) == STORE_OK &&
	    store_view_new(api->options.vault->store, &loop->reading) == STORE_OK) {
		store_view_linger(loop->reading, api->options.read_snapshot_ms);
		return loop;
	}
	app_loop_stop(arg, loop);
	return NULL;
}

static int app_rest(void *arg, void *context)
{
	const struct api_loop *loop = context;

	(void)arg;
	return store_view_rest(loop->reading);
}

static void app_done(void *arg, void *context, const struct http_done *done)
{
	const struct api_loop *loop = context;

	(void)arg;
	tally_note(loop->sheet, done);
}

struct api *api_new(const struct api_options *options)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		return NULL;
	api->options = *options;
	api->started_ms = clock_monotonic_ms();
	api->inflight = inflight_new();
	api->login = login_new(options->login_challenge_ms);
	api->waiters = waiters_new();
	api->receipts = receipt_desk_new(options->vault);
	api->logins = rates_new(options->login_rate);
	api->failures = rates_new(options->failure_rate);
	api->tally = tally_new(API_ROUTES, API_ROUTE_COUNT);
	if (!api->inflight || !api->login || !api->waiters || !api->receipts || !api->logins || !api->failures ||
	    !api->tally) {
		api_free(api);
		return NULL;
	}
	api->app = (struct http_app){
		.routes = API_ROUTES,
		.route_count = API_ROUTE_COUNT,
		.arg = api,
		.loop_start = app_loop_start,
		.loop_stop = app_loop_stop,
		.rest = app_rest,
		.head = app_head,
		.body = app_body,
		.ready = app_ready,
		.resumed = app_resumed,
		.wait_over = app_wait_over,
		.closed = app_closed,
		.done = app_done,
	};
	return api;
}

const struct http_app *api_app(struct api *api)
{
	return &api->app;
}

void api_set_server(struct api *api, struct http_server *server)
{
	atomic_store(&api->server, server);
}

void api_flush(void *arg)
{
	struct api *api = arg;
	struct http_server *server = api ? atomic_load(&api->server) : NULL;

	if (server)
		http_flush(server);
}

void api_free(struct api *api)
{
	if (!api)
		return;
	inflight_free(api->inflight);
	receipt_desk_free(api->receipts);
	login_free(api->login);
	waiters_free(api->waiters);
	rates_free(api->logins);
	rates_free(api->failures);
	tally_free(api->tally);
	free(api);
}
