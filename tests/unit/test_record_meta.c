#include <criterion/criterion.h>
#include <string.h>

#include "server/core/record_meta.h"

static struct record_info sample(void)
{
	struct record_info info = {.size = 123456789};

	strcpy(info.media_type, "application/fhir+json; charset=utf-8");
	strcpy(info.labels, "patient=42, kind=lab");
	memset(info.sha256, 0xab, sizeof(info.sha256));
	return info;
}

Test(record_meta, what_is_encoded_is_decoded)
{
	struct record_info info = sample(), back = {0};
	uint8_t bytes[RECORD_META_MAX];
	size_t size = record_meta_encode(&info, bytes);

	cr_assert(record_meta_decode(bytes, size, &back));
	cr_assert_str_eq(back.media_type, info.media_type);
	cr_assert_str_eq(back.labels, info.labels);
	cr_assert_arr_eq(back.sha256, info.sha256, sizeof(info.sha256));
	cr_assert_eq(back.size, info.size);
}

Test(record_meta, the_longest_metadata_fits)
{
	struct record_info info = sample(), back = {0};
	uint8_t bytes[RECORD_META_MAX];
	size_t size;

	memset(info.media_type, 'm', RECORD_MEDIA_TYPE_MAX);
	memset(info.labels, 'l', RECORD_LABELS_MAX);
	size = record_meta_encode(&info, bytes);
	cr_assert_eq(size, RECORD_META_MAX);
	cr_assert(record_meta_decode(bytes, size, &back));
}

Test(record_meta, other_lengths_formats_and_embedded_nul_are_refused)
{
	struct record_info info = sample(), back;
	uint8_t bytes[RECORD_META_MAX + 1] = {0};
	size_t size = record_meta_encode(&info, bytes);

	for (size_t n = 0; n < size; n++)
		cr_assert_not(record_meta_decode(bytes, n, &back), "at %zu bytes", n);
	cr_assert_not(record_meta_decode(bytes, size + 1, &back));
	bytes[0] = 2;
	cr_assert_not(record_meta_decode(bytes, size, &back));
	bytes[0] = 1;
	bytes[5] = '\0';
	cr_assert_not(record_meta_decode(bytes, size, &back));
}

Test(record_meta, what_is_refused_leaves_the_output_alone)
{
	struct record_info info = sample(), back = {.size = 1};
	uint8_t bytes[RECORD_META_MAX];
	const size_t size = record_meta_encode(&info, bytes);

	for (size_t n = 0; n < size; n++) {
		cr_assert_not(record_meta_decode(bytes, n, &back));
		cr_assert(back.size == 1 && !back.media_type[0] && !back.labels[0] && !back.sha256[0], "%zu bytes", n);
	}
}
