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

/* Borrows an lp that is a string of less than `cap` bytes, which must not hold a NUL; NULL for any other. */
static const uint8_t *get_text(struct wire_in *in, size_t cap, size_t *ret_size)
{
	const uint8_t *bytes = wire_get_lp(in, ret_size);

	return bytes && *ret_size < cap && !memchr(bytes, 0, *ret_size) ? bytes : NULL;
}

static void copy_text(const uint8_t *bytes, size_t size, char *ret_text)
{
	memcpy(ret_text, bytes, size);
	ret_text[size] = '\0';
}

bool record_meta_decode(const uint8_t *bytes, size_t size, struct record_info *ret_info)
{
	struct wire_in in;
	const uint8_t *media_type, *labels, *sha256;
	size_t media_type_size, labels_size;
	uint64_t content_size;
	bool known;

	wire_in_init(&in, bytes, size);
	known = wire_get_u8(&in) == META_FORMAT;
	media_type = get_text(&in, sizeof(ret_info->media_type), &media_type_size);
	labels = get_text(&in, sizeof(ret_info->labels), &labels_size);
	sha256 = wire_get_view(&in, sizeof(ret_info->sha256));
	content_size = wire_get_u64(&in);
	if (!known || !media_type || !labels || !sha256 || !wire_in_done(&in))
		return false;
	copy_text(media_type, media_type_size, ret_info->media_type);
	copy_text(labels, labels_size, ret_info->labels);
	memcpy(ret_info->sha256, sha256, sizeof(ret_info->sha256));
	ret_info->size = content_size;
	return true;
}
