#include "db/status.h"

const char *store_status_text(enum store_status status)
{
	switch (status) {
	case STORE_OK:
		return "fine";
	case STORE_NOT_FOUND:
		return "no such row";
	case STORE_CONFLICT:
		return "there already";
	case STORE_BUSY:
		return "busy";
	case STORE_NO_SPACE:
		return "the disk is full";
	case STORE_CORRUPT:
		return "the database is damaged, or is none";
	case STORE_IO:
		return "reading or writing the database failed";
	case STORE_UNKNOWN:
		return "it is not known whether the write is durable";
	case STORE_NOMEM:
		return "out of memory";
	case STORE_NEWER:
		return "the database is of a later release";
	case STORE_OLDER:
		return "the database is of an earlier release: coffer serve brings it up to date";
	case STORE_LOCKED:
		return "another process has the database open";
	case STORE_STOPPED:
		return "the store is closing";
	}
	return "unknown";
}
