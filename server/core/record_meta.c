#include "server/core/record_meta.h"

#include <string.h>

#include "crypto/wire.h"

enum { META_FORMAT = 1 };

size_t record_meta_encode(const struct record_info *info, uint8_t ret_bytes[static RECORD_META_MAX])
{
	struct wire_out out;

	wire_out_init(&out, ret_bytes, RECORD_META_MAX);
	wire_put_u8(&out, META_FORMAT);
	wire_put_lp_text(&out, info->media_type);
	wire_put_lp_text(&out, info->labels);
	wire_put_bytes(&out, info->sha256, sizeof(info->sha256));
	wire_put_u64(&out, info->size);
	return out.used;
}

/* Copies an lp into a string, which must not hold a NUL. */
static bool get_text(struct wire_in *in, char *ret_text, size_t cap)
{
	size_t size;
	const uint8_t *bytes = wire_get_lp(in, &size);

	if (!bytes || size >= cap || memchr(bytes, 0, size))
		return false;
	memcpy(ret_text, bytes, size);
	ret_text[size] = '\0';
	return true;
}

bool record_meta_decode(const uint8_t *bytes, size_t size, struct record_info *ret_info)
{
	struct wire_in in;
	bool good;

	wire_in_init(&in, bytes, size);
	good = wire_get_u8(&in) == META_FORMAT;
	good = get_text(&in, ret_info->media_type, sizeof(ret_info->media_type)) && good;
	good = get_text(&in, ret_info->labels, sizeof(ret_info->labels)) && good;
	wire_get_bytes(&in, ret_info->sha256, sizeof(ret_info->sha256));
	ret_info->size = wire_get_u64(&in);
	return good && wire_in_done(&in);
}
