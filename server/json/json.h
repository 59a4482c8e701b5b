/* JSON documents that coffer writes (RFC 8259). Failures stick. One thread a document. Strings are UTF-8 already. */
#ifndef COFFER_JSON_JSON_H
#define COFFER_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

/* A document whose root is an object. NULL when memory runs out; every function below accepts NULL and does nothing. */
struct json *json_new(void);
void json_free(struct json *doc);

/* Members of the object that is open, which is at first the root. */
void json_text(struct json *doc, const char *name, const char *value);
void json_number(struct json *doc, const char *name, uint64_t value); /* exact up to 2^53 - 1; beyond: a failure */
void json_bool(struct json *doc, const char *name, bool value);
/* An item of the array that is open. */
void json_item(struct json *doc, const char *value);
/* Opens an array of objects or texts / an object; inside an array `name` is NULL. At most 8 deep. */
void json_open_array(struct json *doc, const char *name);
void json_open_object(struct json *doc, const char *name);
void json_close(struct json *doc);

/* The text, without white space, to be freed with free(); NULL when anything failed. */
char *json_print(const struct json *doc, size_t *ret_size);

#endif
