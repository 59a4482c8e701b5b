/*
 * The small files in which the partner's tool remembers things: JSON objects, written whole or not at all. Every
 * function that fails puts one line in the error it is given.
 */
#ifndef COFFER_PARTNER_STATE_H
#define COFFER_PARTNER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "server/json/json.h"
#include "server/json/json_doc.h"

/* A line for the user. */
struct complaint {
	char text[6144]; /* a path may be in it, and more */
};

/* printf into it; returns false. */
bool complain(struct complaint *complaint, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum state_found { STATE_FOUND, STATE_ABSENT, STATE_BROKEN /* with a complaint */ };

/* secret: the file must be its owner's alone. Free with json_doc_free(). */
enum state_found state_read(const char *path, bool secret, struct json_doc **ret_doc, struct complaint *complaint);
/* Frees the document. mode 0600 or 0644. */
bool state_write(const char *path, unsigned mode, struct json *doc, struct complaint *complaint);

/* Members of the root: false when one is absent or of another form. */
bool state_text(const struct json_doc *doc, const char *name, size_t max, char *ret_text);
bool state_hex(const struct json_doc *doc, const char *name, uint8_t ret_bytes[static DIGEST_SIZE]);
bool state_number(const struct json_doc *doc, const char *name, uint64_t *ret_number);
/* A counter, of which JSON's numbers hold too little: decimal digits in a string. */
bool state_counter(const struct json_doc *doc, const char *name, uint64_t *ret_counter);
bool state_bool(const struct json_doc *doc, const char *name, bool *ret_bool);

void state_put_hex(struct json *doc, const char *name, const uint8_t bytes[static DIGEST_SIZE]);
void state_put_counter(struct json *doc, const char *name, uint64_t counter);

#endif
