#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"
#include "server/core/clock.h"
#include "server/core/inflight.h"
#include "server/core/keyring.h"
#include "server/core/record.h"
#include "server/core/record_answer.h"
#include "server/core/record_meta.h"
#include "server/core/rowmac.h"

enum { BUFFER_FIRST = 4096 };

/*
 * Content gathers in `plain` until a chunk is full *and* another byte has come, since only then is it known that the
 * chunk is not the last. Content that never outgrows one chunk stays in memory and goes inline into the version row.
 */
struct record_writer {
	const struct vault *vault;
	struct inflight *inflight;
	struct principal principal;
	uint8_t owner[16]; /* of the record: a grantee's version is the owner's too */
	struct record_context context;
	struct record_info info;   /* of what is being written */
	struct record_info answer; /* of what the reply tells: another's, for a replay */
	bool is_new;
	void (*wake)(void *arg);
	void *arg;

	struct dek dek;
	struct record_cipher *cipher;
	struct digest *digest;
	uint8_t *plain;
	size_t plain_used, plain_cap;
	uint8_t *sealed; /* a sealed chunk that waits for room in the queue, or the inline chunk */
	size_t sealed_size;
	bool sealed_waits;
	struct store_stage *stage; /* NULL until the content outgrows a chunk */
	uint64_t chunks;	   /* sealed so far */
	bool finished;

	bool has_key;
	struct inflight_entry inflight_entry;
	uint8_t body_digest[DIGEST_SIZE];

	uint8_t content_nonce[RECORD_CONTENT_NONCE_SIZE];
	uint8_t meta_nonce[RECORD_META_NONCE_SIZE];
	uint8_t *meta;
	size_t meta_size;
	uint8_t wrap[RSAKEY_MAX_SIZE];
	uint8_t epoch_wrap[KEYRING_EPOCH_WRAP_SIZE];
	bool has_epoch_wrap;
};

/* ---- starting --------------------------------------------------------------------------------------------------- */

static void idempotency_key_mac(struct record_writer *w, const struct record_write_options *options)
{
	uint8_t bytes[1024];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, "key");
	wire_put_lp(&out, w->principal.account_id, sizeof(w->principal.account_id));
	wire_put_lp_text(&out, options->route);
	wire_put_lp_text(&out, options->idempotency_key);
	mac_compute(&w->vault->keys->idempotency, bytes, out.used, w->inflight_entry.key_mac);
}

static enum core_status start_identity(struct record_writer *w, const struct record_write_options *options)
{
	int64_t now = clock_unix_ms();

	w->context.suite = RECORD_SUITE_1;
	memcpy(w->context.store_id, w->vault->store_id, sizeof(w->context.store_id));
	w->is_new = !options->record_id;
	if (w->is_new) {
		if (random_uuid7(now, w->context.record_id) != CRYPTO_OK)
			return CORE_INTERNAL;
		w->context.version = 1;
	} else {
		memcpy(w->context.record_id, options->record_id, sizeof(w->context.record_id));
		w->context.version = options->if_version + 1;
	}
	memcpy(w->info.record_id, w->context.record_id, sizeof(w->info.record_id));
	w->info.version = w->context.version;
	w->info.created_ms = record_created_ms(w->context.record_id);
	return CORE_OK;
}

static enum core_status start_keys(struct record_writer *w)
{
	enum crypto_status status = dek_generate(&w->dek);

	if (status == CRYPTO_OK)
		status = record_cipher_new(&w->dek, &w->context, &w->cipher);
	if (status == CRYPTO_OK)
		status = random_nonce(w->content_nonce, sizeof(w->content_nonce));
	if (status == CRYPTO_OK)
		status = random_nonce(w->meta_nonce, sizeof(w->meta_nonce));
	if (status == CRYPTO_OK)
		status = digest_new(&w->digest);
	return core_from_crypto(status);
}

enum core_status record_writer_new(const struct vault *vault, const struct record_write_options *options,
				   struct record_writer **ret_writer)
{
	struct record_writer *w;
	enum core_status status;

	if (store_space(vault->store) != STORE_SPACE_OK)
		return CORE_NO_SPACE;
	w = calloc(1, sizeof(*w));
	if (!w)
		return CORE_NOMEM;
	w->vault = vault;
	w->inflight = options->inflight;
	w->principal = *options->principal;
	memcpy(w->owner, w->principal.account_id, sizeof(w->owner));
	w->wake = options->wake;
	w->arg = options->arg;
	strncpy(w->info.media_type, options->media_type, sizeof(w->info.media_type) - 1);
	strncpy(w->info.labels, options->labels, sizeof(w->info.labels) - 1);
	status = start_identity(w, options);
	if (status == CORE_OK)
		status = start_keys(w);
	if (status == CORE_OK && options->idempotency_key) {
		w->has_key = true;
		idempotency_key_mac(w, options);
		if (!inflight_enter(w->inflight, &w->inflight_entry))
			status = CORE_BUSY;
	}
	if (status != CORE_OK) {
		record_writer_free(w);
		return status;
	}
	*ret_writer = w;
	return CORE_OK;
}

/* ---- content ---------------------------------------------------------------------------------------------------- */

static bool grow(struct record_writer *w, size_t wanted)
{
	size_t cap = w->plain_cap ? w->plain_cap : BUFFER_FIRST;
	uint8_t *bytes;

	if (wanted <= w->plain_cap)
		return true;
	while (cap < wanted)
		cap *= 2;
	bytes = malloc(cap);
	if (!bytes)
		return false;
	/* No realloc: it would leave a copy of the plaintext behind. */
	if (w->plain) {
		memcpy(bytes, w->plain, w->plain_used);
		secret_wipe(w->plain, w->plain_used);
		free(w->plain);
	}
	w->plain = bytes;
	w->plain_cap = cap;
	return true;
}

static enum core_status seal_chunk(struct record_writer *w, bool last)
{
	enum crypto_status status;

	if (!w->sealed || w->sealed_size < w->plain_used + RECORD_TAG_SIZE) {
		free(w->sealed);
		w->sealed = malloc(w->plain_used + RECORD_TAG_SIZE);
		if (!w->sealed)
			return CORE_NOMEM;
	}
	status = record_chunk_seal(w->cipher, w->content_nonce, w->chunks, last, w->plain, w->plain_used, w->sealed);
	if (status != CRYPTO_OK)
		return core_from_crypto(status);
	w->sealed_size = w->plain_used + RECORD_TAG_SIZE;
	w->sealed_waits = true;
	if (w->plain)
		secret_wipe(w->plain, w->plain_used);
	w->plain_used = 0;
	w->chunks++;
	return CORE_OK;
}

/* Offers the sealed chunk to the store. *ret_full: it stays here, and wake() will tell when to try again. */
static enum core_status stage_sealed(struct record_writer *w, bool *ret_full)
{
	*ret_full = false;
	if (!w->sealed_waits)
		return CORE_OK;
	if (!w->stage) {
		enum store_status status = store_stage_new(w->vault->store, w->wake, w->arg, &w->stage);

		if (status != STORE_OK)
			return core_from_store(status);
	}
	switch (store_stage_put(w->stage, w->chunks - 1, w->sealed, w->sealed_size)) {
	case STORE_STAGE_OK:
		w->sealed_waits = false;
		return CORE_OK;
	case STORE_STAGE_FULL:
		*ret_full = true;
		return CORE_OK;
	case STORE_STAGE_FAILED:
		break;
	}
	return core_from_store(store_stage_failure(w->stage));
}

enum core_status record_writer_put(struct record_writer *w, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	size_t used = 0;

	*ret_used = 0;
	while (used < size) {
		enum core_status status = CORE_OK;
		bool full = false;
		size_t n;

		if (w->plain_used == RECORD_CHUNK_SIZE && !w->sealed_waits)
			status = seal_chunk(w, false);
		if (status == CORE_OK)
			status = stage_sealed(w, &full);
		if (status != CORE_OK)
			return status;
		if (full)
			break;
		n = size - used < RECORD_CHUNK_SIZE - w->plain_used ? size - used : RECORD_CHUNK_SIZE - w->plain_used;
		if (!grow(w, w->plain_used + n))
			return CORE_NOMEM;
		memcpy(w->plain + w->plain_used, bytes + used, n);
		digest_update(w->digest, bytes + used, n);
		w->plain_used += n;
		w->info.size += n;
		used += n;
	}
	*ret_used = used;
	return CORE_OK;
}

/* ---- the end of the body ---------------------------------------------------------------------------------------- */

static enum core_status seal_meta(struct record_writer *w)
{
	uint8_t bytes[RECORD_META_MAX];
	size_t size = record_meta_encode(&w->info, bytes);
	enum crypto_status status;

	w->meta = malloc(size + RECORD_TAG_SIZE);
	if (!w->meta)
		return CORE_NOMEM;
	status = record_meta_seal(w->cipher, w->meta_nonce, bytes, size, w->meta);
	secret_wipe(bytes, size);
	w->meta_size = size + RECORD_TAG_SIZE;
	return core_from_crypto(status);
}

enum core_status record_writer_finish(struct record_writer *w, bool *ret_full)
{
	enum core_status status;

	*ret_full = false;
	if (!w->finished) {
		if (w->sealed_waits) { /* a full chunk whose successor has arrived is still waiting */
			status = stage_sealed(w, ret_full);
			if (status != CORE_OK || *ret_full)
				return status;
		}
		status = seal_chunk(w, true);
		if (status != CORE_OK)
			return status;
		digest_finish(w->digest, w->info.sha256);
		if (w->has_key)
			record_answer_digest(&w->info, w->body_digest);
		status = seal_meta(w);
		if (status == CORE_OK)
			status = core_from_crypto(dek_wrap(w->vault->kek_public, &w->context, &w->dek, w->wrap));
		w->has_epoch_wrap = keyring_epoch_wrap(w->vault->ring, &w->context, &w->dek, w->epoch_wrap);
		secret_wipe(&w->dek, sizeof(w->dek));
		if (status != CORE_OK)
			return status;
		w->finished = true;
	}
	if (w->chunks == 1)
		return CORE_OK; /* inline */
	return stage_sealed(w, ret_full);
}

/* ---- apply: on the committer ------------------------------------------------------------------------------------- */

static enum store_status insert_version(struct record_writer *w, struct store_txn *txn, int64_t now)
{
	struct store_version row = {
		.version = w->context.version,
		.revision = 1,
		.state = STORE_VERSION_CURRENT,
		.suite = w->context.suite,
		.size = w->info.size,
		.created_ms = now,
		.changed_ms = now,
		.blob_id = w->stage ? store_stage_id(w->stage) : 0,
		.meta = {w->meta, w->meta_size},
		.wrap = {.revision = 1, .rsa = {w->wrap, rsakey_public_size(w->vault->kek_public)}},
	};

	memcpy(row.record_id, w->context.record_id, sizeof(row.record_id));
	memcpy(row.owner, w->owner, sizeof(row.owner));
	memcpy(row.content_nonce, w->content_nonce, sizeof(row.content_nonce));
	memcpy(row.meta_nonce, w->meta_nonce, sizeof(row.meta_nonce));
	record_cipher_commitment(w->cipher, row.commitment);
	if (!w->stage)
		row.inline_chunk = (struct store_bytes){w->sealed, w->sealed_size};
	memcpy(row.wrap.kek_id, w->vault->kek_id, sizeof(row.wrap.kek_id));
	if (w->has_epoch_wrap)
		row.wrap.epoch = (struct store_bytes){w->epoch_wrap, sizeof(w->epoch_wrap)};
	if (!rowmac_seal_version(w->vault, &row) || !rowmac_seal_wrap(w->vault, &row))
		return STORE_IO;
	return store_version_insert(txn, &row);
}

/* Leaves *ret_result at CORE_OK when the key is new. */
static enum store_status check_idempotency(struct record_writer *w, struct store_txn *txn, enum core_status *ret_result)
{
	struct store_idempotency row;
	uint8_t mac[DIGEST_SIZE];
	enum store_status status = store_idempotency_get(store_txn_view(txn), w->inflight_entry.key_mac, &row);

	if (status == STORE_NOT_FOUND)
		return STORE_OK;
	if (status != STORE_OK)
		return status;
	record_answer_mac(w->vault, &row, w->body_digest, mac);
	if (!secret_equal(row.body_mac, mac, sizeof(mac))) {
		*ret_result = CORE_KEY_REUSED;
		return STORE_OK;
	}
	memcpy(w->answer.record_id, row.record_id, sizeof(w->answer.record_id));
	w->answer.version = row.version;
	w->answer.created_ms = record_created_ms(row.record_id);
	w->answer.updated_ms = row.created_ms;
	*ret_result = CORE_REPLAY;
	return STORE_OK;
}

static enum store_status insert_idempotency(struct record_writer *w, struct store_txn *txn, int64_t now)
{
	struct store_idempotency row = {.version = w->context.version, .created_ms = now};

	memcpy(row.key_mac, w->inflight_entry.key_mac, sizeof(row.key_mac));
	memcpy(row.record_id, w->context.record_id, sizeof(row.record_id));
	record_answer_mac(w->vault, &row, w->body_digest, row.body_mac);
	return store_idempotency_insert(txn, &row);
}

/* Makes the version that was current a superseded one, or says in *ret_result why not. */
static enum store_status supersede(struct record_writer *w, struct store_txn *txn, int64_t now,
				   enum core_status *ret_result)
{
	struct store_version *row = NULL;
	enum store_status status = STORE_OK;

	*ret_result =
		record_lookup(w->vault, store_txn_view(txn), &w->principal, RECORD_WRITE, w->context.record_id, &row);
	if (*ret_result != CORE_OK)
		goto out;
	if (row->version != w->context.version - 1) {
		w->answer.version = row->version;
		*ret_result = CORE_STALE;
		goto out;
	}
	memcpy(w->owner, row->owner, sizeof(w->owner));
	row->state = STORE_VERSION_SUPERSEDED;
	row->revision++;
	row->changed_ms = now;
	status = rowmac_seal_version(w->vault, row) ? store_version_update(txn, row) : STORE_IO;
out:
	free(row);
	return status;
}

enum store_status record_writer_apply(struct record_writer *w, struct store_txn *txn, enum core_status *ret_result)
{
	enum store_status status = STORE_OK;
	int64_t now = clock_unix_ms();

	*ret_result = CORE_OK;
	w->info.updated_ms = now;
	w->answer = w->info;
	if (w->has_key)
		status = check_idempotency(w, txn, ret_result);
	if (status == STORE_OK && *ret_result == CORE_OK && !w->is_new)
		status = supersede(w, txn, now, ret_result);
	if (status != STORE_OK || *ret_result != CORE_OK)
		return status;
	if (w->stage)
		status = store_blob_link(txn, store_stage_id(w->stage), w->chunks);
	if (status == STORE_OK)
		status = insert_version(w, txn, now);
	if (status == STORE_OK && w->has_key)
		status = insert_idempotency(w, txn, now);
	return status;
}

const struct record_info *record_writer_info(const struct record_writer *w)
{
	return &w->answer;
}

void record_writer_free(struct record_writer *w)
{
	if (!w)
		return;
	if (w->has_key)
		inflight_leave(w->inflight, &w->inflight_entry);
	store_stage_free(w->stage);
	record_cipher_free(w->cipher);
	digest_free(w->digest);
	if (w->plain)
		secret_wipe(w->plain, w->plain_used);
	free(w->plain);
	free(w->sealed);
	free(w->meta);
	secret_wipe(w, sizeof(*w));
	free(w);
}
