#include "server/core/identities.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"
#include "server/core/rowmac.h"

enum { ENDORSED_MAX = 128 };

struct loading {
	const struct vault *vault;
	struct identities *identities;
	size_t current;
	bool bad;
};

static bool take_key(void *arg, const struct store_identity *row)
{
	struct loading *loading = arg;

	loading->bad = loading->identities->count == IDENTITIES_MAX || !rowmac_check_identity(loading->vault, row);
	if (loading->bad)
		return false;
	loading->current += row->state == STORE_IDENTITY_CURRENT;
	loading->identities->keys[loading->identities->count++] = *row;
	return true;
}

enum core_status identities_load(const struct vault *vault, struct store_view *view, struct identities **ret_identities)
{
	struct loading loading = {.vault = vault, .identities = calloc(1, sizeof(*loading.identities))};
	enum core_status status;

	if (!loading.identities)
		return CORE_NOMEM;
	status = core_from_store(store_identity_list(view, take_key, &loading));
	if (status == CORE_OK && !loading.bad && loading.identities->count == 0)
		status = CORE_NOT_FOUND;
	else if (status == CORE_OK && (loading.bad || loading.current != 1))
		status = CORE_DAMAGED;
	if (status != CORE_OK) {
		identities_free(loading.identities);
		return status;
	}
	*ret_identities = loading.identities;
	return CORE_OK;
}

void identities_free(struct identities *identities)
{
	free(identities);
}

const struct store_identity *identities_current(const struct identities *identities)
{
	size_t i = 0;

	while (identities->keys[i].state != STORE_IDENTITY_CURRENT)
		i++;
	return &identities->keys[i];
}

bool identities_vouch(const struct vault *vault, const uint8_t public_key[static IDENTITY_PUBLIC_SIZE],
		      uint64_t sequence)
{
	const struct identities *identities = vault->identities;
	uint8_t own[IDENTITY_PUBLIC_SIZE];

	identity_public(vault->identity, own);
	if (memcmp(own, public_key, sizeof(own)) == 0)
		return true;
	for (size_t i = 0; identities && i < identities->count; i++) {
		const struct store_identity *key = &identities->keys[i];

		if (memcmp(key->public_key, public_key, sizeof(key->public_key)) == 0)
			return key->state == STORE_IDENTITY_RETIRED && sequence <= key->last_event;
	}
	return false;
}

static size_t endorsed_bytes(const uint8_t store_id[static 16], const struct store_identity *row,
			     uint8_t ret_bytes[static ENDORSED_MAX])
{
	struct wire_out out;

	wire_out_init(&out, ret_bytes, ENDORSED_MAX);
	wire_put_lp_text(&out, "coffer-identity-v1");
	wire_put_bytes(&out, store_id, 16);
	wire_put_bytes(&out, row->previous, sizeof(row->previous));
	wire_put_bytes(&out, row->public_key, sizeof(row->public_key));
	wire_put_u64(&out, (uint64_t)row->created_ms);
	return out.used;
}

void identities_endorse(const struct vault *vault, const struct identity *old, const struct identity *next,
			int64_t now_ms, struct store_identity *ret_row)
{
	struct store_identity row = {.revision = 1, .state = STORE_IDENTITY_CURRENT, .created_ms = now_ms};
	uint8_t bytes[ENDORSED_MAX];

	identity_public(next, row.public_key);
	if (old) {
		identity_public(old, row.previous);
		identity_sign(old, bytes, endorsed_bytes(vault->store_id, &row, bytes), row.endorsement);
	}
	*ret_row = row;
}

bool identities_is_endorsed(const uint8_t store_id[static 16], const struct store_identity *row)
{
	static const uint8_t NOBODY[IDENTITY_PUBLIC_SIZE] = {0};
	uint8_t bytes[ENDORSED_MAX];

	/* As a key that is a point of order 4, under which a signature of zeros verifies now and then. */
	if (memcmp(row->previous, NOBODY, sizeof(NOBODY)) == 0)
		return false;
	return identity_verify(row->previous, bytes, endorsed_bytes(store_id, row, bytes), row->endorsement) ==
	       CRYPTO_OK;
}
