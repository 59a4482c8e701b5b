#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/core/epochs.h"
#include "server/core/keyring.h"
#include "server/core/metrics.h"
#include "server/core/record.h"
#include "server/core/record_meta.h"
#include "server/core/rowmac.h"

enum { NO_CHUNK = -1 };

struct record_reader {
	const struct vault *vault;
	struct record_info info;
	struct record_context context;
	struct store_version *row;
	struct store_epoch *epoch; /* whose key must be loaded first; else NULL */
	uint8_t new_epoch_wrap[KEYRING_EPOCH_WRAP_SIZE];
	bool has_new_epoch_wrap;
	struct record_cipher *cipher; /* NULL until unlocked */
	uint8_t *buffer;	      /* for chunks of a blob; NULL when the content is inline */
	struct store_bytes sealed;    /* the sealed chunk that was read last: in `buffer`, or in `row` */
	uint8_t *plain;		      /* chunk `loaded`, decrypted */
	int64_t loaded;		      /* NO_CHUNK: none */
	const char *fault;
};

static enum core_status fail(struct record_reader *r, const char *fault)
{
	if (!r->fault)
		r->fault = fault;
	return CORE_DAMAGED;
}

/* ---- looking up ------------------------------------------------------------------------------------------------- */

/* Reads the sealed bytes of a chunk: out of the row, or out of the blob. */
static enum core_status load_sealed(struct record_reader *r, struct store_view *view, uint64_t number)
{
	enum store_status status;

	if (r->row->blob_id == 0) {
		if (r->row->inline_chunk.size > RECORD_SEALED_MAX)
			return fail(r, "inline chunk too long");
		r->sealed = r->row->inline_chunk;
		return CORE_OK;
	}
	if (!r->buffer && !(r->buffer = malloc(RECORD_SEALED_MAX)))
		return CORE_NOMEM;
	r->sealed.data = r->buffer;
	status = store_chunk_get(view, r->row->blob_id, number, r->buffer, RECORD_SEALED_MAX, &r->sealed.size);
	if (status == STORE_NOT_FOUND || status == STORE_CORRUPT)
		return fail(r, "chunk missing or malformed");
	return core_from_store(status);
}

/* The row of the epoch that wrapped the DEK, unless its key is loaded. */
static enum core_status read_epoch(struct record_reader *r, struct store_view *view)
{
	const struct store_bytes *wrap = &r->row->wrap.epoch;
	enum store_status found;

	if (!keyring_epoch_wraps(r->vault->ring) || wrap->size == 0)
		return CORE_OK;
	if (wrap->size != KEYRING_EPOCH_WRAP_SIZE)
		return fail(r, "epoch wrap length");
	if (keyring_epoch_loaded(r->vault->ring, wrap->data))
		return CORE_OK;
	found = store_epoch_get(view, wrap->data, &r->epoch);
	return found == STORE_NOT_FOUND ? fail(r, "epoch missing") : core_from_store(found);
}

/* Under one view of the database: the row that was asked for, its wrap, and its first chunk. */
static enum core_status read_rows(struct record_reader *r, struct store_view *view, const struct principal *principal,
				  const uint8_t record_id[static 16], uint64_t version)
{
	struct store_version *latest = NULL;
	enum core_status status = record_lookup(r->vault, view, principal, RECORD_READ, record_id, &latest);
	enum store_status found;
	uint8_t owner[16];

	if (status != CORE_OK) {
		free(latest);
		return status;
	}
	if (version == 0 || version == latest->version) {
		r->row = latest;
	} else {
		memcpy(owner, latest->owner, sizeof(owner));
		free(latest);
		found = store_version_get(view, record_id, version, &r->row);
		if (found != STORE_OK)
			return core_from_store(found);
		if (!rowmac_check_version(r->vault, r->row) || memcmp(r->row->owner, owner, sizeof(owner)) != 0)
			return fail(r, "version row");
	}
	if (r->row->wrap.rsa.size == 0)
		return fail(r, "wrap missing");
	if (memcmp(r->row->wrap.kek_id, r->vault->kek_id, sizeof(r->vault->kek_id)) != 0)
		return fail(r, "wrap of another key");
	if (!rowmac_check_wrap(r->vault, r->row))
		return fail(r, "wrap row");
	status = read_epoch(r, view);
	return status == CORE_OK ? load_sealed(r, view, 0) : status;
}

static void describe(struct record_reader *r)
{
	memcpy(r->info.record_id, r->row->record_id, sizeof(r->info.record_id));
	r->info.version = r->row->version;
	r->info.size = r->row->size;
	r->info.created_ms = record_created_ms(r->row->record_id);
	r->info.updated_ms = r->row->created_ms;
	r->context.suite = r->row->suite;
	r->context.version = r->row->version;
	memcpy(r->context.store_id, r->vault->store_id, sizeof(r->context.store_id));
	memcpy(r->context.record_id, r->row->record_id, sizeof(r->context.record_id));
}

enum core_status record_reader_new(const struct vault *vault, struct store_view *view,
				   const struct principal *principal, const uint8_t record_id[static 16],
				   uint64_t version, struct record_reader **ret_reader)
{
	struct record_reader *r = calloc(1, sizeof(*r));
	enum core_status status;
	enum store_status began;

	if (!r)
		return CORE_NOMEM;
	r->vault = vault;
	r->loaded = NO_CHUNK;
	began = store_view_begin(view);
	if (began != STORE_OK) {
		record_reader_free(r);
		return core_from_store(began);
	}
	status = read_rows(r, view, principal, record_id, version);
	store_view_end(view);
	if (status != CORE_OK) {
		record_reader_free(r);
		return status;
	}
	describe(r);
	*ret_reader = r;
	return CORE_OK;
}

const struct record_info *record_reader_info(const struct record_reader *r)
{
	return &r->info;
}

/* ---- unlocking -------------------------------------------------------------------------------------------------- */

static enum core_status open_chunk(struct record_reader *r, uint64_t number)
{
	const bool last = number + 1 == record_chunk_count(r->row->size);

	if (r->sealed.size != record_chunk_length(r->row->size, number) + RECORD_TAG_SIZE)
		return fail(r, "chunk length");
	r->loaded = NO_CHUNK;
	if (record_chunk_open(r->cipher, r->row->content_nonce, number, last, r->sealed.data, r->sealed.size,
			      r->plain) != CRYPTO_OK)
		return fail(r, "chunk tag");
	r->loaded = (int64_t)number;
	return CORE_OK;
}

static enum core_status open_meta(struct record_reader *r)
{
	uint8_t bytes[RECORD_META_MAX];
	const struct store_bytes *meta = &r->row->meta;
	enum core_status status = CORE_OK;
	size_t size;

	if (meta->size < RECORD_TAG_SIZE || meta->size - RECORD_TAG_SIZE > sizeof(bytes))
		return fail(r, "metadata length");
	size = meta->size - RECORD_TAG_SIZE;
	if (record_meta_open(r->cipher, r->row->meta_nonce, meta->data, meta->size, bytes) != CRYPTO_OK)
		return fail(r, "metadata tag");
	if (!record_meta_decode(bytes, size, &r->info) || r->info.size != r->row->size)
		status = fail(r, "metadata");
	secret_wipe(bytes, size);
	return status;
}

/* By the epoch's key, which may have to be loaded. CORE_NOT_FOUND: there is no epoch wrap to use. */
static enum core_status unwrap_by_epoch(struct record_reader *r, struct dek *ret_dek)
{
	enum core_status status;

	if (!keyring_epoch_wraps(r->vault->ring) || r->row->wrap.epoch.size == 0)
		return CORE_NOT_FOUND;
	if (r->epoch) {
		status = epochs_load(r->vault, r->epoch);
		if (status != CORE_OK)
			return status == CORE_DAMAGED ? fail(r, "epoch") : status;
	}
	status = keyring_epoch_unwrap(r->vault->ring, &r->context, r->row->wrap.epoch.data, ret_dek);
	return status == CORE_DAMAGED ? fail(r, "epoch wrap") : status;
}

static enum core_status unwrap(struct record_reader *r, struct dek *ret_dek)
{
	enum core_status status = unwrap_by_epoch(r, ret_dek);

	if (status == CORE_OK)
		metrics_count(r->vault->metrics, r->epoch ? METRIC_EPOCH_LOAD : METRIC_EPOCH_HIT, 1);
	if (status != CORE_NOT_FOUND)
		return status;
	metrics_count(r->vault->metrics, METRIC_EPOCH_MISS, 1);
	status = keyring_dek_unwrap(r->vault->ring, &r->context, r->row->wrap.rsa.data, r->row->wrap.rsa.size, ret_dek);
	return status == CORE_DAMAGED ? fail(r, "wrap") : status;
}

bool record_reader_is_quick(const struct record_reader *r)
{
	return keyring_epoch_wraps(r->vault->ring) && r->row->wrap.epoch.size > 0 && !r->epoch;
}

enum core_status record_reader_unlock(struct record_reader *r)
{
	struct dek dek;
	enum crypto_status opened;
	enum core_status status;

	r->plain =
		malloc(r->row->blob_id == 0 && r->sealed.size > RECORD_TAG_SIZE ? r->sealed.size : RECORD_CHUNK_SIZE);
	if (!r->plain)
		return CORE_NOMEM;
	status = unwrap(r, &dek);
	if (status != CORE_OK)
		return status;
	opened = record_cipher_open(&dek, &r->context, r->row->commitment, &r->cipher);
	if (opened == CRYPTO_OK && r->row->wrap.epoch.size == 0)
		r->has_new_epoch_wrap = keyring_epoch_wrap(r->vault->ring, &r->context, &dek, r->new_epoch_wrap);
	secret_wipe(&dek, sizeof(dek));
	if (opened == CRYPTO_AUTH)
		return fail(r, "commitment");
	if (opened != CRYPTO_OK)
		return core_from_crypto(opened);
	status = open_meta(r);
	return status == CORE_OK ? open_chunk(r, 0) : status;
}

enum store_status record_reader_backfill(struct record_reader *r, struct store_txn *txn)
{
	enum store_status status;

	if (!r->has_new_epoch_wrap || store_space(r->vault->store) != STORE_SPACE_OK)
		return STORE_OK;
	status = store_version_set_epoch_wrap(txn, r->row,
					      (struct store_bytes){r->new_epoch_wrap, sizeof(r->new_epoch_wrap)});
	return status == STORE_NOT_FOUND ? STORE_OK : status; /* deleted meanwhile, or wrapped for another key */
}

/* ---- content ---------------------------------------------------------------------------------------------------- */

size_t record_reader_get(struct record_reader *r, struct store_view *view, uint64_t offset, uint8_t *buffer, size_t cap)
{
	const uint64_t number = offset / RECORD_CHUNK_SIZE;
	const size_t within = (size_t)(offset % RECORD_CHUNK_SIZE);
	size_t n;

	if (r->fault || !r->cipher || offset >= r->info.size || cap == 0)
		return 0;
	if (r->loaded != (int64_t)number) {
		if (load_sealed(r, view, number) != CORE_OK) {
			(void)fail(r, "chunk unreadable");
			return 0;
		}
		if (open_chunk(r, number) != CORE_OK)
			return 0;
	}
	n = record_chunk_length(r->info.size, number) - within;
	n = n < cap ? n : cap;
	memcpy(buffer, r->plain + within, n);
	return n;
}

bool record_reader_failed(const struct record_reader *r)
{
	return r->fault != NULL;
}

const char *record_reader_fault(const struct record_reader *r)
{
	return r->fault ? r->fault : "none";
}

void record_reader_free(struct record_reader *r)
{
	if (!r)
		return;
	if (r->plain) {
		secret_wipe(r->plain,
			    r->loaded == NO_CHUNK ? 0 : record_chunk_length(r->row->size, (uint64_t)r->loaded));
		free(r->plain);
	}
	record_cipher_free(r->cipher);
	free(r->buffer);
	free(r->row);
	free(r->epoch);
	secret_wipe(r, sizeof(*r));
	free(r);
}
