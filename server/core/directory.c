#include "server/core/directory.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "crypto/wire.h"
#include "server/core/rowmac.h"

bool directory_name(const char *text, char ret_name[static DIRECTORY_NAME_MAX + 1])
{
	size_t size = 0;

	for (; text[size]; size++) {
		const char c = text[size];
		const bool upper = c >= 'A' && c <= 'Z';
		const bool plain = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (size == DIRECTORY_NAME_MAX || !(plain || (size > 0 && strchr("._-", c))))
			return false;
		ret_name[size] = (char)(upper ? c - 'A' + 'a' : c);
	}
	ret_name[size] = '\0';
	return size > 0;
}

bool directory_hash(const struct store_directory_key *row, uint8_t ret_hash[static DIGEST_SIZE])
{
	uint8_t bytes[8192];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, "coffer-key-history-v1");
	wire_put_bytes(&out, row->previous, sizeof(row->previous));
	wire_put_lp(&out, row->name.data, row->name.size);
	wire_put_u64(&out, row->sequence);
	wire_put_u8(&out, row->change);
	wire_put_u8(&out, row->authority);
	wire_put_u64(&out, (uint64_t)row->created_ms);
	wire_put_lp(&out, row->origin.data, row->origin.size);
	wire_put_lp(&out, row->spki.data, row->spki.size);
	wire_put_lp(&out, row->signature.data, row->signature.size);
	wire_put_lp(&out, row->old_signature.data, row->old_signature.size);
	if (out.failed)
		return false;
	digest_sha256(bytes, out.used, ret_hash);
	return true;
}

static bool row_is_good(const struct vault *vault, const struct store_directory_key *row)
{
	uint8_t hash[DIGEST_SIZE];

	return rowmac_check_directory_key(vault, row) && row->name.size <= DIRECTORY_NAME_MAX &&
	       directory_hash(row, hash) && secret_equal(hash, row->hash, sizeof(hash));
}

/* Of a row that verified. ret_key may be NULL. */
static enum core_status entry_of(const struct store_directory_key *row, struct directory_entry *ret_entry,
				 struct rsakey_public **ret_key)
{
	struct rsakey_public *key;
	enum crypto_status status;

	*ret_entry = (struct directory_entry){
		.sequence = row->sequence, .removed = row->change == STORE_KEY_REMOVED, .created_ms = row->created_ms};
	memcpy(ret_entry->name, row->name.data, row->name.size);
	memcpy(ret_entry->account_id, row->account_id, sizeof(ret_entry->account_id));
	if (ret_key)
		*ret_key = NULL;
	if (ret_entry->removed)
		return CORE_OK;
	status = rsakey_public_from_spki(row->spki.data, row->spki.size, &key);
	if (status != CRYPTO_OK)
		return status == CRYPTO_NOMEM ? CORE_NOMEM : CORE_DAMAGED;
	rsakey_public_id(key, ret_entry->fingerprint);
	ret_entry->bits = rsakey_public_bits(key);
	if (ret_key)
		*ret_key = key;
	else
		rsakey_public_free(key);
	return CORE_OK;
}

enum core_status directory_find_last(const struct vault *vault, struct store_view *view, const char *name,
				     struct directory_entry *ret_entry, struct rsakey_public **ret_key)
{
	struct store_directory_key *row = NULL;
	char folded[DIRECTORY_NAME_MAX + 1];
	enum core_status status;

	if (!directory_name(name, folded))
		return CORE_NOT_FOUND;
	status = core_from_store(store_directory_latest(view, folded, &row));
	if (status == CORE_OK)
		status = row_is_good(vault, row) ? entry_of(row, ret_entry, ret_key) : CORE_DAMAGED;
	free(row);
	return status;
}

enum core_status directory_find(const struct vault *vault, struct store_view *view, const char *name,
				struct directory_entry *ret_entry, struct rsakey_public **ret_key)
{
	const enum core_status status = directory_find_last(vault, view, name, ret_entry, ret_key);

	return status == CORE_OK && ret_entry->removed ? CORE_NOT_FOUND : status;
}

struct listing {
	const struct vault *vault;
	struct directory_entry *entries;
	size_t count, limit;
	enum core_status status;
};

static bool list_one(void *arg, const struct store_directory_key *row)
{
	struct listing *listing = arg;

	listing->status = row_is_good(listing->vault, row) ? entry_of(row, &listing->entries[listing->count], NULL)
							   : CORE_DAMAGED;
	if (listing->status != CORE_OK)
		return false;
	return ++listing->count < listing->limit;
}

enum core_status directory_list(const struct vault *vault, struct store_view *view, const char *after, size_t limit,
				struct directory_entry *ret_entries, size_t *ret_count)
{
	struct listing listing = {.vault = vault, .entries = ret_entries, .limit = limit};
	const enum store_status status = store_directory_list(view, after, limit, list_one, &listing);

	*ret_count = listing.count;
	return status == STORE_OK ? listing.status : core_from_store(status);
}

struct reading {
	const struct vault *vault;
	store_directory_visit *each;
	void *arg;
	uint64_t sequence;	   /* of the row before */
	uint8_t hash[DIGEST_SIZE]; /* zeros before the first change */
	bool knows_hash;
	enum core_status status;
};

static bool read_one(void *arg, const struct store_directory_key *row)
{
	struct reading *reading = arg;

	if (row->sequence != reading->sequence + 1 ||
	    (reading->knows_hash && memcmp(row->previous, reading->hash, DIGEST_SIZE) != 0) ||
	    !row_is_good(reading->vault, row)) {
		reading->status = CORE_DAMAGED;
		return false;
	}
	reading->sequence = row->sequence;
	reading->knows_hash = true;
	memcpy(reading->hash, row->hash, DIGEST_SIZE);
	return reading->each(reading->arg, row);
}

enum core_status directory_history(const struct vault *vault, struct store_view *view, const char *name, uint64_t after,
				   size_t limit, store_directory_visit *each, void *arg)
{
	struct reading reading = {
		.vault = vault, .each = each, .arg = arg, .sequence = after, .knows_hash = after == 0};
	struct directory_entry last;
	char folded[DIRECTORY_NAME_MAX + 1];
	enum core_status status;

	if (!directory_name(name, folded))
		return CORE_NOT_FOUND;
	status = directory_find_last(vault, view, folded, &last, NULL);
	if (status != CORE_OK)
		return status;
	status = core_from_store(store_directory_history(view, folded, after, limit, read_one, &reading));
	return status == CORE_OK ? reading.status : status;
}
