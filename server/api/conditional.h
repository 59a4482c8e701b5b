/* Conditional requests and ranges (RFC 9110 §13, §14) for representations whose strong ETag is their version number. */
#ifndef COFFER_API_CONDITIONAL_H
#define COFFER_API_CONDITIONAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* If-Match: exactly one strong ETag of ours, `"17"`. False for anything else: "*", a list, a weak one. */
bool etag_parse_one(const char *value, uint64_t *ret_version);

/* Whether an If-None-Match value ("*", or a list, by weak comparison) names this version. */
bool etag_listed(const char *value, uint64_t version);

/* Whether an If-None-Match value names this entity tag, given without its quotes. */
bool etag_list_has(const char *value, const char *tag);

enum range_kind {
	RANGE_WHOLE,	     /* no Range, another unit, or more than one range: the whole representation is sent */
	RANGE_PART,	     /* one satisfiable range */
	RANGE_UNSATISFIABLE, /* malformed, or nothing of it exists */
};

/* A Range value (NULL: none) against a representation of `size` bytes; first and length are set for RANGE_PART. */
enum range_kind range_parse(const char *value, uint64_t size, uint64_t *ret_first, uint64_t *ret_length);

/* Whether an If-Range value (NULL: none) lets Range count: the strong ETag, or the exact Last-Modified date. */
bool range_allowed(const char *if_range, uint64_t version, const char *last_modified);

#endif
