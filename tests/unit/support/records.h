/* Writing and deleting records of a fixture, as a request would. */
#ifndef COFFER_TESTS_RECORDS_H
#define COFFER_TESTS_RECORDS_H

#include "server/core/record.h"
#include "tests/unit/support/fixture.h"

/* Writes a record (id NULL), or its next version, as text/plain with the label kind=test; *ret_info when it went well.
 */
enum core_status records_write(struct fixture *fixture, struct inflight *inflight, const uint8_t *id,
			       uint64_t if_version, const char *key, const void *bytes, size_t size,
			       struct record_info *ret_info);

enum core_status records_delete(struct fixture *fixture, const uint8_t id[static 16]);

#endif
