/*
 * Cursors for the byte formats of FORMATS.md: big-endian integers, and lp(x) = u16 length ‖ x.
 * Both are sticky: after the first failure every read gives zeros and every write does nothing, so a caller checks
 * once, at the end. Neither allocates.
 */
#ifndef COFFER_CRYPTO_WIRE_H
#define COFFER_CRYPTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes into a buffer of the caller's. Invariant: used <= cap. */
struct wire_out {
	uint8_t *bytes;
	size_t cap;
	size_t used;
	bool failed;
};

/* Reads from bytes of the caller's, which must outlive the cursor. Invariant: at <= size. */
struct wire_in {
	const uint8_t *bytes;
	size_t size;
	size_t at;
	bool failed;
};

void wire_out_init(struct wire_out *out, void *bytes, size_t cap);
void wire_put_u8(struct wire_out *out, uint8_t value);
void wire_put_u16(struct wire_out *out, uint16_t value);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u64(struct wire_out *out, uint64_t value);
void wire_put_bytes(struct wire_out *out, const void *bytes, size_t size);
/* Fails when size > 65535. */
void wire_put_lp(struct wire_out *out, const void *bytes, size_t size);
/* lp of a string, without its terminator. */
void wire_put_lp_text(struct wire_out *out, const char *text);
/* lp of the eight bytes of a u64: how integer columns enter a row MAC. */
void wire_put_lp_u64(struct wire_out *out, uint64_t value);

void wire_in_init(struct wire_in *in, const void *bytes, size_t size);
uint8_t wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
/* Copies `size` bytes; zeros after a failure. */
void wire_get_bytes(struct wire_in *in, void *ret_bytes, size_t size);
/* Borrows `size` bytes of the input; NULL after a failure (and only then). */
const uint8_t *wire_get_view(struct wire_in *in, size_t size);
/* Borrows the contents of an lp; NULL and *ret_size = 0 after a failure. */
const uint8_t *wire_get_lp(struct wire_in *in, size_t *ret_size);
/* True when nothing failed and every byte was read: trailing bytes are refused. */
bool wire_in_done(const struct wire_in *in);

#endif
