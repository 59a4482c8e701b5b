/* What the files of the check share. */
#ifndef COFFER_CORE_CHECK_INTERNAL_H
#define COFFER_CORE_CHECK_INTERNAL_H

#include <pthread.h>

#include "crypto/digest.h"
#include "server/core/check.h"

/* Under `lock`, but for what is constant. */
struct check {
	const struct check_options *options;
	const struct vault *vault;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* a thread has */
	unsigned running;
	struct check_totals totals;
	uint64_t expected;
	enum core_status failure; /* the first that keeps the check from going on */

	/* The cursors from which workers take pages: records up to the last of the start, then idempotency rows. */
	uint8_t record_after[16], record_last[16];
	uint8_t answer_after[32];
	bool records_taken, answers_taken;
};

struct check_row {
	uint64_t version;
	uint8_t state; /* to be believed of a GOOD row only */
	enum { CHECK_ROW_GOOD, CHECK_ROW_FORGED, CHECK_ROW_LOST } condition;
};

/* A thread's own. */
struct check_worker {
	struct check *check;
	const struct vault *vault;
	struct store_view *view;
	pthread_t thread;
	struct digest *digest;
	uint8_t *sealed, *plain; /* a chunk each */

	/* Of the record in hand; given to the check when it is done with. */
	struct check_fault *faults;
	size_t fault_count, fault_room;
	struct check_row *rows;
	size_t row_count, row_room;
	struct check_totals seen;
	bool in_snapshot; /* the whole record is read in one, which bounds it */
};

bool check_stopped(const struct check *check);

/* Counts a fault and passes it on. */
void check_report(struct check *check, const struct check_fault *fault);

/* Whether a look-up that failed like this says something of the store, rather than of this process. */
bool check_is_finding(enum store_status status);

/* Notes a fault of the record in hand. CORE_OK or CORE_NOMEM. */
MUST_CHECK enum core_status check_note(struct check_worker *worker, const struct check_fault *fault);

/* A snapshot for some reads, unless the record has one already. */
MUST_CHECK enum core_status check_begin(struct check_worker *worker);
void check_end(struct check_worker *worker);

/* The file as such, and the tables that are not records'. CORE_BUSY also when the view is interrupted. */
MUST_CHECK enum core_status check_file(struct check *check, struct store_view *view);
MUST_CHECK enum core_status check_tables(struct check *check, struct store_view *view);

/* Every message, its row and its bytes. Reports. */
MUST_CHECK enum store_status check_messages(struct check *check, struct store_view *view);
/* An idempotency row that names a message: CORE_DAMAGED when it does not vouch for it. */
MUST_CHECK enum core_status check_message_answer(const struct check_worker *worker,
						 const struct store_idempotency *row);

/* One record: its rows, then each version. Reports. */
MUST_CHECK enum core_status check_record(struct check_worker *worker, const uint8_t record_id[static 16]);
/* One version, which its record's rows say is there. Notes. */
MUST_CHECK enum core_status check_version(struct check_worker *worker, const uint8_t record_id[static 16],
					  uint64_t version);
/* One idempotency row, as far as the record it names lets it be checked. Reports. */
MUST_CHECK enum core_status check_answer(struct check_worker *worker, const struct store_idempotency *row);

#endif
