/*
 * The plaintext of a version's metadata: u8 format (1) ‖ lp(media type) ‖ lp(labels) ‖ SHA-256 of the content (32) ‖
 * u64 size of the content.
 */
#ifndef COFFER_CORE_RECORD_META_H
#define COFFER_CORE_RECORD_META_H

#include "server/core/record.h"

enum { RECORD_META_MAX = 1 + 2 + RECORD_MEDIA_TYPE_MAX + 2 + RECORD_LABELS_MAX + 32 + 8 };

/* Its size; the strings of an info always fit. */
size_t record_meta_encode(const struct record_info *info, uint8_t ret_bytes[static RECORD_META_MAX]);

/* Fills media_type, labels, sha256 and size; false, with none of them touched, when the bytes are not exactly one
 * metadata block. */
bool record_meta_decode(const uint8_t *bytes, size_t size, struct record_info *ret_info);

#endif
