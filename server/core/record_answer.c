#include "server/core/record_answer.h"

#include "crypto/wire.h"
#include "server/core/record_meta.h"

void record_answer_digest(const struct record_info *info, uint8_t ret_digest[static DIGEST_SIZE])
{
	uint8_t bytes[16 + RECORD_META_MAX];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, "body");
	wire_put_lp_text(&out, info->media_type);
	wire_put_lp_text(&out, info->labels);
	wire_put_bytes(&out, info->sha256, sizeof(info->sha256));
	digest_sha256(bytes, out.used, ret_digest);
}

void record_answer_mac(const struct vault *vault, const struct store_idempotency *row,
		       const uint8_t request[static DIGEST_SIZE], uint8_t ret_mac[static DIGEST_SIZE])
{
	uint8_t bytes[256];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, "body");
	wire_put_lp(&out, row->key_mac, sizeof(row->key_mac));
	wire_put_lp(&out, request, DIGEST_SIZE);
	wire_put_lp(&out, row->record_id, sizeof(row->record_id));
	wire_put_lp_u64(&out, row->version);
	wire_put_lp_u64(&out, (uint64_t)row->created_ms);
	mac_compute(&vault->keys->idempotency, bytes, out.used, ret_mac);
}
