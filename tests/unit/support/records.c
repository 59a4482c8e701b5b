#include "tests/unit/support/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "records: %s failed\n", what);
	abort();
}

static void wake(void *arg)
{
	*(_Atomic int *)arg = 1;
}

static void wait_for_room(_Atomic int *room)
{
	while (!*room)
		usleep(200);
	*room = 0;
}

struct write_job {
	struct store_job job; /* first */
	struct record_writer *writer;
	enum core_status result;
};

static enum store_status write_apply(struct store_job *job, struct store_txn *txn)
{
	struct write_job *write = (struct write_job *)job;

	return record_writer_apply(write->writer, txn, &write->result);
}

enum core_status records_write(struct fixture *fixture, struct inflight *inflight, const uint8_t *id,
			       uint64_t if_version, const char *key, const void *bytes, size_t size,
			       struct record_info *ret_info)
{
	_Atomic int room = 0;
	struct record_write_options options = {.inflight = inflight,
					       .principal = &fixture->principal,
					       .media_type = "text/plain",
					       .labels = "kind=test",
					       .record_id = id,
					       .if_version = if_version,
					       .idempotency_key = key,
					       .route = "test",
					       .wake = wake,
					       .arg = &room};
	struct write_job write = {.job = {.apply = write_apply}};
	size_t used = 0;
	bool full = false;

	must(record_writer_new(&fixture->vault, &options, &write.writer) == CORE_OK, "record_writer_new");
	for (size_t at = 0; at < size; at += used) {
		must(record_writer_put(write.writer, (const uint8_t *)bytes + at, size - at, &used) == CORE_OK, "put");
		if (at + used < size)
			wait_for_room(&room);
	}
	for (;;) {
		must(record_writer_finish(write.writer, &full) == CORE_OK, "record_writer_finish");
		if (!full)
			break;
		wait_for_room(&room);
	}
	must(store_run(fixture->vault.store, &write.job) == STORE_OK, "store_run");
	*ret_info = *record_writer_info(write.writer);
	record_writer_free(write.writer);
	return write.result;
}

struct delete_job {
	struct store_job job; /* first */
	struct record_delete request;
	enum core_status result;
};

static enum store_status delete_apply(struct store_job *job, struct store_txn *txn)
{
	struct delete_job *d = (struct delete_job *)job;

	return record_delete_apply(&d->request, txn, &d->result);
}

enum core_status records_delete(struct fixture *fixture, const uint8_t id[static 16])
{
	struct delete_job d = {.job = {.apply = delete_apply}};

	d.request.vault = &fixture->vault;
	d.request.principal = fixture->principal;
	memcpy(d.request.record_id, id, sizeof(d.request.record_id));
	must(store_run(fixture->vault.store, &d.job) == STORE_OK, "store_run");
	return d.result;
}
