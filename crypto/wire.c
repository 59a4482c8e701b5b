#include "crypto/wire.h"

#include <string.h>

void wire_out_init(struct wire_out *out, void *bytes, size_t cap)
{
	*out = (struct wire_out){.bytes = bytes, .cap = cap};
}

void wire_put_bytes(struct wire_out *out, const void *bytes, size_t size)
{
	if (out->failed || size > out->cap - out->used) {
		out->failed = true;
		return;
	}
	if (size)
		memcpy(out->bytes + out->used, bytes, size);
	out->used += size;
}

/* The low `size` bytes of a value, highest first. */
static void put_integer(struct wire_out *out, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	wire_put_bytes(out, bytes, size);
}

void wire_put_u8(struct wire_out *out, uint8_t value)
{
	put_integer(out, value, 1);
}

void wire_put_u16(struct wire_out *out, uint16_t value)
{
	put_integer(out, value, 2);
}

void wire_put_u32(struct wire_out *out, uint32_t value)
{
	put_integer(out, value, 4);
}

void wire_put_u64(struct wire_out *out, uint64_t value)
{
	put_integer(out, value, 8);
}

/* Checks the room for both parts first: a failed lp must not leave its length behind. */
void wire_put_lp(struct wire_out *out, const void *bytes, size_t size)
{
	if (size > UINT16_MAX || size + 2 > out->cap - out->used)
		out->failed = true;
	wire_put_u16(out, (uint16_t)size);
	wire_put_bytes(out, bytes, size);
}

void wire_put_lp_text(struct wire_out *out, const char *text)
{
	wire_put_lp(out, text, strlen(text));
}

void wire_put_lp_u64(struct wire_out *out, uint64_t value)
{
	uint8_t bytes[8];
	struct wire_out integer;

	wire_out_init(&integer, bytes, sizeof(bytes));
	wire_put_u64(&integer, value);
	wire_put_lp(out, bytes, sizeof(bytes));
}

void wire_in_init(struct wire_in *in, const void *bytes, size_t size)
{
	static const uint8_t nothing[1];

	/* An empty input may be NULL; views of it must not be. */
	*in = (struct wire_in){.bytes = bytes ? bytes : nothing, .size = bytes ? size : 0};
}

const uint8_t *wire_get_view(struct wire_in *in, size_t size)
{
	if (in->failed || size > in->size - in->at) {
		in->failed = true;
		return NULL;
	}
	const uint8_t *view = in->bytes + in->at;
	in->at += size;
	return view;
}

static uint64_t get_integer(struct wire_in *in, size_t size)
{
	const uint8_t *bytes = wire_get_view(in, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint8_t wire_get_u8(struct wire_in *in)
{
	return (uint8_t)get_integer(in, 1);
}

uint16_t wire_get_u16(struct wire_in *in)
{
	return (uint16_t)get_integer(in, 2);
}

uint32_t wire_get_u32(struct wire_in *in)
{
	return (uint32_t)get_integer(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
	return get_integer(in, 8);
}

void wire_get_bytes(struct wire_in *in, void *ret_bytes, size_t size)
{
	const uint8_t *bytes = wire_get_view(in, size);

	if (size == 0)
		return;
	if (bytes)
		memcpy(ret_bytes, bytes, size);
	else
		memset(ret_bytes, 0, size);
}

const uint8_t *wire_get_lp(struct wire_in *in, size_t *ret_size)
{
	size_t size = wire_get_u16(in);
	const uint8_t *view = wire_get_view(in, size);

	*ret_size = view ? size : 0;
	return view;
}

bool wire_in_done(const struct wire_in *in)
{
	return !in->failed && in->at == in->size;
}
