/*
 * The cursors of crypto/wire.h. The input is a program (its first half: one operation a byte) over data (the rest). A
 * reader by index, beside the cursor, says what each read must give; the same values are then written back.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"
#include "tests/fuzz/fuzz.h"

enum { OP_U8, OP_U16, OP_U32, OP_U64, OP_BYTES, OP_VIEW, OP_LP, OP_COUNT };

struct model {
	const uint8_t *bytes;
	size_t size, at;
	bool failed;
};

static bool model_has(struct model *model, size_t size)
{
	model->failed = model->failed || size > model->size - model->at;
	return !model->failed;
}

static uint64_t model_integer(struct model *model, size_t size)
{
	uint64_t value = 0;

	if (!model_has(model, size))
		return 0;
	for (size_t i = 0; i < size; i++)
		value = value * 256 + model->bytes[model->at++];
	return value;
}

static void same_integer(struct model *model, struct wire_out *out, size_t size, uint64_t value)
{
	FUZZ_CHECK(value == model_integer(model, size));
	if (model->failed)
		return;
	if (size == 1)
		wire_put_u8(out, (uint8_t)value);
	else if (size == 2)
		wire_put_u16(out, (uint16_t)value);
	else if (size == 4)
		wire_put_u32(out, (uint32_t)value);
	else
		wire_put_u64(out, value);
}

static void same_bytes(struct model *model, struct wire_in *in, struct wire_out *out, size_t size)
{
	static const uint8_t ZEROS[32];
	uint8_t bytes[32];

	memset(bytes, 0xee, sizeof(bytes));
	wire_get_bytes(in, bytes, size);
	if (model_has(model, size)) {
		FUZZ_CHECK(memcmp(bytes, model->bytes + model->at, size) == 0);
		model->at += size;
		wire_put_bytes(out, bytes, size);
	} else {
		FUZZ_CHECK(memcmp(bytes, ZEROS, size) == 0);
	}
	FUZZ_CHECK(size == sizeof(bytes) || bytes[size] == 0xee);
}

static void same_view(struct model *model, struct wire_in *in, struct wire_out *out, size_t size)
{
	const uint8_t *view = wire_get_view(in, size);

	FUZZ_CHECK((view != NULL) == model_has(model, size));
	if (!view)
		return;
	FUZZ_CHECK(view == model->bytes + model->at);
	model->at += size;
	wire_put_bytes(out, view, size);
}

static void same_lp(struct model *model, struct wire_in *in, struct wire_out *out)
{
	const size_t want = model_integer(model, 2);
	size_t size = 999;
	const uint8_t *view = wire_get_lp(in, &size);

	FUZZ_CHECK((view != NULL) == model_has(model, want));
	FUZZ_CHECK(size == (view ? want : 0));
	if (!view)
		return;
	FUZZ_CHECK(view == model->bytes + model->at);
	model->at += size;
	wire_put_lp(out, view, size);
}

static void step(uint8_t op, struct model *model, struct wire_in *in, struct wire_out *out)
{
	switch (op % OP_COUNT) {
	case OP_U8:
		same_integer(model, out, 1, wire_get_u8(in));
		break;
	case OP_U16:
		same_integer(model, out, 2, wire_get_u16(in));
		break;
	case OP_U32:
		same_integer(model, out, 4, wire_get_u32(in));
		break;
	case OP_U64:
		same_integer(model, out, 8, wire_get_u64(in));
		break;
	case OP_BYTES:
		same_bytes(model, in, out, op / OP_COUNT % 33);
		break;
	case OP_VIEW:
		same_view(model, in, out, op / OP_COUNT);
		break;
	default:
		same_lp(model, in, out);
	}
	FUZZ_CHECK(in->at <= in->size && in->failed == model->failed);
}

/* An lp that does not fit leaves nothing behind, and neither does anything after it. */
static void overflow(const uint8_t *bytes, size_t size, size_t cap)
{
	uint8_t *room = malloc(cap + 1);
	struct wire_out out;

	FUZZ_CHECK(room != NULL);
	wire_out_init(&out, room, cap);
	wire_put_lp(&out, bytes, size);
	FUZZ_CHECK(out.failed == (size > UINT16_MAX || size + 2 > cap));
	FUZZ_CHECK(out.used == (out.failed ? 0 : size + 2));
	wire_put_bytes(&out, bytes, out.failed ? 0 : size + 1 > cap ? size : 0);
	FUZZ_CHECK(out.used <= cap);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t program = size / 2;
	struct model model = {.bytes = data + program, .size = size - program};
	uint8_t *copy = malloc(model.size + 1);
	struct wire_out out;
	struct wire_in in;

	FUZZ_CHECK(copy != NULL);
	wire_in_init(&in, model.bytes, model.size);
	wire_out_init(&out, copy, model.size);
	for (size_t i = 0; i < program; i++)
		step(data[i], &model, &in, &out);
	FUZZ_CHECK(wire_in_done(&in) == (!model.failed && model.at == model.size));
	FUZZ_CHECK(!out.failed && out.used <= model.size && memcmp(copy, model.bytes, out.used) == 0);
	FUZZ_CHECK(model.failed || out.used == model.at);
	free(copy);
	if (size)
		overflow(data, size, data[0]);
	return 0;
}
