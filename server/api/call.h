/*
 * A call: one request on its way through the steps of its route. The pipeline (pipeline.c) owns it and decides which
 * thread runs what; the resources (records_*.c) fill in the steps.
 *
 *   begin     on the loop, head read, principal known       may refuse before the body is read
 *   body      on the loop, for each piece                   may refuse, or ask to wait for room
 *   prepare   on the loop, request complete                 look up, authorise, seal; may wait, may ask for work
 *   work      on a worker                                   an RSA private operation
 *   worked    on the loop                                   looks at what work found
 *   apply     on the committer, in the transaction          checks, then writes
 *   finish    on the loop, after COMMIT                     the reply
 *   close     on the loop, the exchange is over             frees `state`
 *
 * Refusing is setting a problem on the exchange: the steps that follow, but close, are then left out. A route with an
 * `action` has its audit event appended in the same transaction, whatever became of the request: no event, no data. But
 * who is refused without an account leaves no event.
 */
#ifndef COFFER_API_CALL_H
#define COFFER_API_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/store.h"
#include "server/api/api.h"
#include "server/core/account.h"
#include "server/core/audit.h"
#include "server/core/inflight.h"
#include "server/core/receipt.h"
#include "server/core/status.h"
#include "server/core/workers.h"
#include "server/http/http.h"

struct login;
struct rates;
struct receipt_desk;
struct tally;
struct tally_sheet;
struct waiters;

struct api {
	struct api_options options;
	struct http_app app;
	struct login *login;
	struct rates *logins;	/* by address and by account: challenges */
	struct rates *failures; /* by address: tokens and answers that are wrong */
	struct waiters *waiters;
	_Atomic(struct http_server *) server;
	int64_t started_ms; /* CLOCK_MONOTONIC */
	struct tally *tally;
	struct inflight *inflight;
	struct receipt_desk *receipts;
	_Atomic size_t body_bytes; /* of bodies that are collected (body.h) */
};

/* What belongs to one loop. */
struct api_loop {
	struct store_view *view;
	struct store_view *reading; /* its snapshots linger */
	struct tally_sheet *sheet;  /* the tally's */
};

enum call_phase {
	CALL_READING, /* head and body */
	CALL_PREPARING,
	CALL_WORKING,
	CALL_COMMITTING,
	CALL_ANSWERED,
};

/* What prepare says. */
enum call_next {
	CALL_GO,   /* on to apply, or to the reply */
	CALL_ROOM, /* wait for wake(), then prepare again */
	CALL_WORK, /* to a worker */
	CALL_LONG, /* wait for wake(), the call's wait_until_ms, or the end of the connection; then prepare again */
};

struct call {
	struct store_job job; /* first: apply() is handed a pointer to it */
	struct work work;
	struct api *api;
	struct http_exchange *x;
	const struct api_steps *steps;
	enum call_phase phase;
	struct principal principal;
	struct audit_event event; /* object, version and outcome are the steps' to fill in */
	enum core_status result;  /* of work, and then of apply */
	enum store_status outcome;
	int64_t wait_until_ms; /* CLOCK_MONOTONIC, for CALL_LONG */
	bool waited;	       /* CALL_LONG was answered: who asked may not be known any more */
	bool refused;	       /* a problem was set before apply */
	bool interrupted;      /* the reply ended short: audited once more */
	uint8_t *reason;       /* sealed: kept beside the event */
	size_t reason_size;
	uint8_t written[DIGEST_SIZE]; /* for the receipt: SHA-256 of the content */
	struct receipt_ticket ticket;
	void *state; /* the resource's */
};

struct api_steps {
	enum audit_action action; /* 0: the route touches no data, and nothing goes through the committer */
	bool logs_refusals;	  /* and nothing else: it touches no data, and is asked again and again */
	bool writes;		  /* refused below the disk's watermark */
	bool unwraps;		  /* refused while sealed */
	bool may_authenticate;	  /* open to all, but a token that comes along counts, and must be good */
	bool break_glass;	  /* Coffer-Emergency-Reason is heard (emergency.c) */
	bool receipt;		  /* what was written is signed for (receipt.h) */
	bool changes_accounts;	  /* or tokens: what is remembered of them is forgotten after the commit */
	void (*begin)(struct call *call);
	/* Sets *ret_used; less than size means: wait for room. */
	void (*body)(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used);
	enum call_next (*prepare)(struct call *call);
	void (*work)(struct call *call);
	void (*worked)(struct call *call);
	/* On a loop: a CALL_LONG wait has met a bound. True: nobody will wake it any more. */
	bool (*wait_over)(struct call *call);
	enum store_status (*apply)(struct call *call, struct store_txn *txn);
	/* On the committer, after COMMIT: for others that wait for this. */
	void (*announce)(struct call *call);
	void (*finish)(struct call *call);
	void (*close)(struct call *call, bool completed);
};

/* Whether an account has authenticated. */
bool call_is_known(const struct call *call);

/* The view of the store that belongs to this loop. */
struct store_view *call_view(const struct call *call);
/* Its other one: cheaper where many read records, or who may read them, and nobody writes (store_view_linger()). */
struct store_view *call_reading_view(const struct call *call);

/* Any thread: room again for a call that asked to wait. */
void call_wake(void *call);

/* The problem that stands for a core status; CORE_OK and CORE_REPLAY have none. */
enum problem call_problem(enum core_status status);
/* Sets it, with the detail that belongs to it. */
void call_refuse(struct call *call, enum core_status status);

/* Refuses with 429 and Retry-After. */
void call_refuse_rate(struct call *call, unsigned seconds);
/* Who is asking: by token, or by certificate (authenticate.c). Refuses those who are nobody, or may not do this. */
void call_authenticate(struct call *call);

/* Coffer-Emergency-Reason, when there is one: looks whether it may be given, and seals it. May refuse. */
void call_emergency(struct call *call);

/* After a wrong token or answer: it counts against the address. */
void call_failed(struct call *call);

/* A record's id from the first path parameter; false has set the 404 that an unknown id gives. */
bool call_record_id(struct call *call, uint8_t ret_id[static 16]);

/* Tells the operator about a stored record that does not verify: the request id and the check, no payload. */
void call_alarm(struct call *call, const char *fault);

/* A read's answer ended short: one more event, which nobody waits for. */
void call_audit_interruption(const struct call *call);

/* The steps of each resource, for routes.c. */
extern const struct api_steps RECORDS_POST, RECORDS_PUT, RECORDS_GET, RECORDS_DELETE, RECORDS_LIST, RECORDS_VERSIONS,
	KEYS_PUT, KEYS_GET, KEYS_DELETE, KEYS_LIST, KEYS_HISTORY, INVITES_POST, INVITES_LIST, INVITES_DELETE, LOGIN_ASK,
	LOGIN_ANSWER, LOGIN_END, MAILBOX_POST, MAILBOX_LIST, MAILBOX_GET, MAILBOX_DELETE, GRANTS_PUT, GRANTS_DELETE,
	GRANTS_LIST, ACCOUNTS_POST, ACCOUNTS_PUT, ACCOUNTS_GET, ACCOUNTS_LIST, TOKENS_POST, TOKENS_LIST, TOKENS_DELETE,
	AUDIT_LIST, AUDIT_CHECKPOINT, SERVICE_WELL_KNOWN, SERVICE_KEK, SERVICE_CA, SERVICE_HEALTH, SERVICE_READY,
	SERVICE_CONTRACT, SERVICE_SEAL, SERVICE_UNSEAL, SESSION_GET, PAGE_INDEX, PAGE_ASSET, SERVICE_STATUS,
	SERVICE_METRICS;

#endif
