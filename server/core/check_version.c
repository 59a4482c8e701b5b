/* One version: the keys, the metadata, every chunk. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/core/check_internal.h"
#include "server/core/epochs.h"
#include "server/core/keyring.h"
#include "server/core/record_answer.h"
#include "server/core/record_meta.h"
#include "server/core/rowmac.h"

/* A version whose keys are open. */
struct opened {
	struct store_version *row;
	struct store_epoch *epoch; /* of the epoch wrap, when its key is not loaded yet */
	bool has_blob, linked;	   /* the blob's row, when the version has chunks outside its own */
	uint64_t chunks;
	struct record_context context;
	struct record_cipher *cipher;
	struct record_info info;
};

static void opened_done(struct opened *o)
{
	record_cipher_free(o->cipher);
	free(o->row);
	free(o->epoch);
	secret_wipe(o, sizeof(*o));
}

/* Notes a fault of the version: CORE_DAMAGED, so that callers go no further with it. */
static enum core_status damaged(struct check_worker *w, const uint8_t id[static 16], uint64_t version,
				enum check_failure failure)
{
	struct check_fault fault = {.failure = failure, .version = version, .version_last = version};
	enum core_status status;

	memcpy(fault.id, id, sizeof(fault.id));
	status = check_note(w, &fault);
	return status == CORE_OK ? CORE_DAMAGED : status;
}

/* A failure that lies in what is stored is a fault of the version. */
static enum core_status judged(struct check_worker *w, const struct opened *o, enum core_status status,
			       enum check_failure failure)
{
	return status == CORE_DAMAGED ? damaged(w, o->row->record_id, o->row->version, failure) : status;
}

/* The epoch that the epoch wrap names, for open_epoch_wrap(). One that is not there leaves `epoch` NULL. */
static enum core_status read_epoch(struct check_worker *w, struct opened *o)
{
	const struct store_bytes *wrap = &o->row->wrap.epoch;
	enum store_status status;

	if (wrap->size != KEYRING_EPOCH_WRAP_SIZE || keyring_epoch_loaded(w->vault->ring, wrap->data))
		return CORE_OK;
	status = store_epoch_get(w->view, wrap->data, &o->epoch);
	return status == STORE_OK || check_is_finding(status) ? CORE_OK : core_from_store(status);
}

static enum core_status read_rows(struct check_worker *w, const uint8_t id[static 16], uint64_t version,
				  struct opened *o)
{
	enum store_status status = store_version_get(w->view, id, version, &o->row);
	enum core_status read;

	if (status != STORE_OK)
		return check_is_finding(status)
			       ? damaged(w, id, version,
					 status == STORE_NOT_FOUND ? CHECK_MISSING_VERSION : CHECK_ROW_UNREADABLE)
			       : core_from_store(status);
	if (!rowmac_check_version(w->vault, o->row))
		return damaged(w, id, version, CHECK_ROW_MAC);
	if (o->row->wrap.rsa.size == 0 || memcmp(o->row->wrap.kek_id, w->vault->kek_id, sizeof(w->vault->kek_id)) != 0)
		return damaged(w, id, version, CHECK_WRAP_MISSING);
	if (!rowmac_check_wrap(w->vault, o->row))
		return damaged(w, id, version, CHECK_WRAP_MAC);
	read = read_epoch(w, o);
	if (read != CORE_OK || o->row->blob_id == 0)
		return read;
	status = store_blob_get(w->view, o->row->blob_id, &o->linked, &o->chunks);
	o->has_blob = status == STORE_OK;
	return o->has_blob || check_is_finding(status) ? CORE_OK : core_from_store(status);
}

/* An epoch wrap is a cache: one that is there must give the DEK that the RSA wrap gives. */
static enum core_status open_epoch_wrap(struct check_worker *w, const struct opened *o, const struct dek *dek)
{
	const struct store_bytes *wrap = &o->row->wrap.epoch;
	enum core_status status = CORE_OK;
	struct dek cached;

	if (wrap->size == 0)
		return CORE_OK;
	if (wrap->size != KEYRING_EPOCH_WRAP_SIZE)
		return damaged(w, o->row->record_id, o->row->version, CHECK_EPOCH_WRAP);
	if (o->epoch)
		status = epochs_load(w->vault, o->epoch);
	if (status == CORE_OK)
		status = keyring_epoch_unwrap(w->vault->ring, &o->context, wrap->data, &cached);
	else if (status == CORE_DAMAGED)
		return damaged(w, o->row->record_id, o->row->version, CHECK_EPOCH);
	if (status == CORE_NOT_FOUND)
		return damaged(w, o->row->record_id, o->row->version, CHECK_EPOCH);
	if (status == CORE_DAMAGED || (status == CORE_OK && !secret_equal(&cached, dek, sizeof(cached))))
		status = damaged(w, o->row->record_id, o->row->version, CHECK_EPOCH_WRAP);
	secret_wipe(&cached, sizeof(cached));
	return status;
}

/* The DEK of a version, out of every wrap that it has. */
static enum core_status open_dek(struct check_worker *w, const struct opened *o, struct dek *ret_dek)
{
	const struct store_bytes *wrap = &o->row->wrap.rsa;
	const enum core_status status = judged(
		w, o, keyring_dek_unwrap(w->vault->ring, &o->context, wrap->data, wrap->size, ret_dek), CHECK_UNWRAP);

	return status == CORE_OK ? open_epoch_wrap(w, o, ret_dek) : status;
}

static enum core_status open_meta(struct check_worker *w, struct opened *o)
{
	const struct store_bytes *meta = &o->row->meta;
	uint8_t bytes[RECORD_META_MAX];
	enum core_status status = CORE_OK;
	size_t size;

	if (meta->size < RECORD_TAG_SIZE || meta->size - RECORD_TAG_SIZE > sizeof(bytes))
		return damaged(w, o->row->record_id, o->row->version, CHECK_META);
	size = meta->size - RECORD_TAG_SIZE;
	status = judged(
		w, o, core_from_crypto(record_meta_open(o->cipher, o->row->meta_nonce, meta->data, meta->size, bytes)),
		CHECK_META_TAG);
	if (status != CORE_OK)
		return status;
	if (!record_meta_decode(bytes, size, &o->info))
		status = damaged(w, o->row->record_id, o->row->version, CHECK_META);
	else if (o->info.size != o->row->size)
		status = damaged(w, o->row->record_id, o->row->version, CHECK_SIZE);
	secret_wipe(bytes, size);
	return status;
}

static enum core_status open_version(struct check_worker *w, const uint8_t id[static 16], uint64_t version,
				     struct opened *o)
{
	struct dek dek;
	enum crypto_status opened;
	enum core_status status = check_begin(w);

	if (status != CORE_OK)
		return status;
	status = read_rows(w, id, version, o);
	check_end(w);
	if (status != CORE_OK)
		return status;
	o->context.suite = o->row->suite;
	o->context.version = version;
	memcpy(o->context.store_id, w->vault->store_id, sizeof(o->context.store_id));
	memcpy(o->context.record_id, id, sizeof(o->context.record_id));
	status = open_dek(w, o, &dek);
	if (status != CORE_OK)
		return status;
	opened = record_cipher_open(&dek, &o->context, o->row->commitment, &o->cipher);
	secret_wipe(&dek, sizeof(dek));
	status = judged(w, o, core_from_crypto(opened), CHECK_COMMITMENT);
	return status == CORE_OK ? open_meta(w, o) : status;
}

/* ---- content ---------------------------------------------------------------------------------------------------- */

/* Chunks that fail alike, one after the other, are one fault: a lost blob of a GiB has 16384 of them. */
struct chunk_run {
	struct check_fault fault;
	bool open, any;
};

static enum core_status end_run(struct check_worker *w, struct chunk_run *run)
{
	const bool open = run->open;

	run->open = false;
	return open ? check_note(w, &run->fault) : CORE_OK;
}

static enum core_status extend_run(struct check_worker *w, struct chunk_run *run, enum check_failure failure,
				   uint64_t chunk)
{
	enum core_status status = CORE_OK;

	if (run->open && run->fault.failure == failure && run->fault.chunk_last + 1 == chunk) {
		run->fault.chunk_last = chunk;
		return CORE_OK;
	}
	status = end_run(w, run);
	run->open = run->any = true;
	run->fault.failure = failure;
	run->fault.chunk = run->fault.chunk_last = chunk;
	return status;
}

/* CORE_DAMAGED, with what is wrong; the chunk is then in w->plain, else. */
static enum core_status open_chunk(struct check_worker *w, const struct opened *o, uint64_t number,
				   enum check_failure *ret_failure)
{
	const struct store_version *row = o->row;
	const bool last = number + 1 == record_chunk_count(row->size);
	const uint8_t *sealed = row->inline_chunk.data;
	size_t size = row->inline_chunk.size;
	enum store_status status = number == 0 ? STORE_OK : STORE_NOT_FOUND;

	if (row->blob_id != 0) {
		sealed = w->sealed;
		status = store_chunk_get(w->view, row->blob_id, number, w->sealed, RECORD_SEALED_MAX, &size);
	}
	if (status != STORE_OK && !check_is_finding(status))
		return core_from_store(status);
	*ret_failure = status == STORE_NOT_FOUND ? CHECK_CHUNK_MISSING : CHECK_CHUNK_UNREADABLE;
	if (status != STORE_OK)
		return CORE_DAMAGED;
	*ret_failure = CHECK_CHUNK_LENGTH;
	if (size != record_chunk_length(row->size, number) + RECORD_TAG_SIZE)
		return CORE_DAMAGED;
	*ret_failure = CHECK_CHUNK_TAG;
	if (record_chunk_open(o->cipher, row->content_nonce, number, last, sealed, size, w->plain) != CRYPTO_OK)
		return CORE_DAMAGED;
	return CORE_OK;
}

static enum core_status read_chunks(struct check_worker *w, const struct opened *o, struct chunk_run *run)
{
	const uint64_t count = record_chunk_count(o->row->size);
	enum core_status status = CORE_OK;

	for (uint64_t number = 0; number < count && status == CORE_OK; number++) {
		const size_t length = record_chunk_length(o->row->size, number);
		enum check_failure failure = CHECK_CHUNK_UNREADABLE;

		if (check_stopped(w->check))
			return CORE_OK;
		status = open_chunk(w, o, number, &failure);
		if (status == CORE_DAMAGED) {
			status = extend_run(w, run, failure, number);
			continue;
		}
		if (status == CORE_OK) {
			digest_update(w->digest, w->plain, length);
			w->seen.bytes += length;
		}
	}
	if (status == CORE_OK && o->has_blob && o->chunks > count) {
		status = extend_run(w, run, CHECK_CHUNK_SURPLUS, count);
		run->fault.chunk_last = o->chunks - 1;
	}
	return status == CORE_OK ? end_run(w, run) : status;
}

static enum core_status check_content(struct check_worker *w, const struct opened *o)
{
	struct chunk_run run = {.fault = {.version = o->row->version, .version_last = o->row->version}};
	uint8_t digest[DIGEST_SIZE];
	enum core_status status;

	memcpy(run.fault.id, o->row->record_id, sizeof(run.fault.id));
	status = read_chunks(w, o, &run);
	digest_finish(w->digest, digest); /* also when it is of no use: the next starts anew */
	if (status != CORE_OK || run.any || check_stopped(w->check))
		return status;
	if (memcmp(digest, o->info.sha256, sizeof(digest)) != 0)
		return damaged(w, o->row->record_id, o->row->version, CHECK_DIGEST);
	return CORE_OK;
}

enum core_status check_version(struct check_worker *w, const uint8_t record_id[static 16], uint64_t version)
{
	struct opened o = {0};
	enum core_status status = open_version(w, record_id, version, &o);

	/* A blob that will be swept is one fault, what its chunks are another. */
	if (status == CORE_OK && o.row->blob_id != 0 && !(o.has_blob && o.linked)) {
		status = damaged(w, record_id, version, o.has_blob ? CHECK_BLOB_UNLINKED : CHECK_BLOB_MISSING);
		status = status == CORE_DAMAGED ? CORE_OK : status;
	}
	if (status == CORE_OK)
		status = check_content(w, &o);
	opened_done(&o);
	return status == CORE_DAMAGED ? CORE_OK : status;
}

/* ---- remembered answers ----------------------------------------------------------------------------------------- */

/* Whether the row vouches for what the version holds. */
static bool answer_fits(const struct check_worker *w, const struct store_idempotency *row, const struct opened *o)
{
	uint8_t request[DIGEST_SIZE], mac[DIGEST_SIZE];

	record_answer_digest(&o->info, request);
	record_answer_mac(w->vault, row, request, mac);
	return secret_equal(mac, row->body_mac, sizeof(mac));
}

/* In a snapshot. CORE_DAMAGED: the row is not what was written. */
static enum core_status judge_answer(struct check_worker *w, const struct store_idempotency *listed)
{
	struct store_idempotency row;
	struct store_version *latest = NULL;
	struct opened o = {0};
	enum store_status found = store_idempotency_get(w->view, listed->key_mac, &row);
	enum core_status status = CORE_OK;

	if (found == STORE_OK)
		found = store_version_latest(w->view, row.record_id, &latest);
	/* It has expired, or what it names is deleted, or not there at all, which the search for orphans finds. */
	if (found != STORE_OK || latest->state >= STORE_VERSION_TOMBSTONE)
		goto out;
	status = open_version(w, row.record_id, row.version, &o);
	if (status == CORE_OK && !answer_fits(w, &row, &o))
		status = CORE_DAMAGED;
	else if (status == CORE_DAMAGED && (o.row || (row.version > 0 && row.version <= latest->version)))
		status = CORE_OK; /* the version is damaged, which its record's check says */
out:
	opened_done(&o);
	free(latest);
	return status == CORE_OK && found != STORE_OK && !check_is_finding(found) ? core_from_store(found) : status;
}

enum core_status check_answer(struct check_worker *w, const struct store_idempotency *row)
{
	struct check_fault fault = {.subject = CHECK_ANSWER_OF, .failure = CHECK_ANSWER};
	enum core_status status = check_begin(w);

	if (status != CORE_OK)
		return status;
	w->in_snapshot = true;
	status = row->version == 0 ? check_message_answer(w, row) : judge_answer(w, row);
	w->in_snapshot = false;
	check_end(w);
	w->fault_count = 0;
	if (status != CORE_DAMAGED)
		return status;
	memcpy(fault.id, row->record_id, sizeof(fault.id));
	fault.version = fault.version_last = row->version;
	check_report(w->check, &fault);
	return CORE_OK;
}
