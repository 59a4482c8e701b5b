/* A row on its way into its MAC, for the files of rowmac. */
#ifndef COFFER_CORE_ROWMAC_ROW_H
#define COFFER_CORE_ROWMAC_ROW_H

#include "crypto/wire.h"
#include "server/core/vault.h"

/* The longest row: a version with its metadata, or a wrap under an 8192-bit KEK. */
enum { ROW_MAX = 8192 };

struct row {
	struct wire_out out;
	uint8_t bytes[ROW_MAX];
};

static inline void row_begin(struct row *row, const char *table)
{
	wire_out_init(&row->out, row->bytes, sizeof(row->bytes));
	wire_put_lp_text(&row->out, table);
}

static inline bool row_seal(const struct vault *vault, const struct row *row, uint8_t ret_mac[static 32])
{
	if (row->out.failed)
		return false;
	mac_compute(&vault->keys->row, row->bytes, row->out.used, ret_mac);
	return true;
}

static inline bool row_check(const struct vault *vault, const struct row *row, const uint8_t mac[static 32])
{
	return !row->out.failed && mac_verify(&vault->keys->row, row->bytes, row->out.used, mac) == CRYPTO_OK;
}

#endif
