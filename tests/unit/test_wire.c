#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"

Test(wire, integers_are_big_endian_and_come_back)
{
	static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 2, 'h', 'i'};
	uint8_t bytes[sizeof(expected)];
	struct wire_out out;
	struct wire_in in;
	size_t size;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_u8(&out, 1);
	wire_put_u16(&out, 0x0203);
	wire_put_u32(&out, 0x04050607);
	wire_put_u64(&out, 0x08090a0b0c0d0e0f);
	wire_put_lp_text(&out, "hi");
	cr_assert(!out.failed && out.used == sizeof(bytes));
	cr_assert_arr_eq(bytes, expected, sizeof(bytes));

	wire_in_init(&in, bytes, sizeof(bytes));
	cr_assert_eq(wire_get_u8(&in), 1);
	cr_assert_eq(wire_get_u16(&in), 0x0203);
	cr_assert_eq(wire_get_u32(&in), 0x04050607);
	cr_assert_eq(wire_get_u64(&in), 0x08090a0b0c0d0e0f);
	cr_assert_not(wire_in_done(&in));
	const uint8_t *text = wire_get_lp(&in, &size);
	cr_assert(text && size == 2 && memcmp(text, "hi", 2) == 0);
	cr_assert(wire_in_done(&in));
}

Test(wire, writing_past_the_end_fails_for_good_and_writes_nothing)
{
	uint8_t bytes[4] = {7, 7, 7, 7};
	struct wire_out out;

	wire_out_init(&out, bytes, 3);
	wire_put_lp(&out, "xy", 2);
	cr_assert(out.failed && out.used == 0 && bytes[0] == 7);
	wire_put_u8(&out, 1);
	cr_assert(out.failed && out.used == 0 && bytes[0] == 7);
	wire_out_init(&out, bytes, 3);
	wire_put_u32(&out, 1);
	cr_assert(out.failed && bytes[0] == 7 && bytes[3] == 7);
}

Test(wire, lp_is_limited_to_65535)
{
	uint8_t *big = calloc(1, 70000);
	uint8_t *room = malloc(80000);
	struct wire_out out;

	wire_out_init(&out, room, 80000);
	wire_put_lp(&out, big, 65535);
	cr_assert(!out.failed && out.used == 65537 && room[0] == 0xff && room[1] == 0xff);
	wire_out_init(&out, room, 80000);
	wire_put_lp(&out, big, 65536);
	cr_assert(out.failed && out.used == 0);
	free(big);
	free(room);
}

Test(wire, lp_u64_is_ten_bytes)
{
	static const uint8_t expected[] = {0, 8, 0, 0, 0, 0, 0, 0, 1, 2};
	uint8_t bytes[10];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_u64(&out, 0x102);
	cr_assert(!out.failed && out.used == 10);
	cr_assert_arr_eq(bytes, expected, 10);
}

Test(wire, reading_past_the_end_gives_zeros_ever_after)
{
	static const uint8_t bytes[] = {1, 2, 3};
	uint8_t copy[2] = {9, 9};
	struct wire_in in;
	size_t size = 9;

	wire_in_init(&in, bytes, sizeof(bytes));
	cr_assert_eq(wire_get_u32(&in), 0);
	cr_assert(in.failed && in.at == 0);
	cr_assert_eq(wire_get_u8(&in), 0);
	wire_get_bytes(&in, copy, 2);
	cr_assert(copy[0] == 0 && copy[1] == 0);
	cr_assert_null(wire_get_view(&in, 0));
	cr_assert_null(wire_get_lp(&in, &size));
	cr_assert_eq(size, 0);
	cr_assert_not(wire_in_done(&in));
}

Test(wire, a_cut_lp_fails)
{
	static const uint8_t bytes[] = {0, 3, 'a', 'b'};
	struct wire_in in;
	size_t size = 9;

	wire_in_init(&in, bytes, sizeof(bytes));
	cr_assert_null(wire_get_lp(&in, &size));
	cr_assert(in.failed && size == 0);
}

Test(wire, an_empty_view_of_an_empty_input_is_not_a_failure)
{
	struct wire_in in;

	wire_in_init(&in, NULL, 0);
	cr_assert_not_null(wire_get_view(&in, 0));
	cr_assert(wire_in_done(&in));
	cr_assert_null(wire_get_view(&in, SIZE_MAX));
}
