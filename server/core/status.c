#include "server/core/status.h"

/* No default in these switches: the compiler names what a new status below has not been mapped to. */

enum core_status core_from_store(enum store_status status)
{
	switch (status) {
	case STORE_OK:
		return CORE_OK;
	case STORE_NOT_FOUND:
		return CORE_NOT_FOUND;
	case STORE_CONFLICT:
		return CORE_INTERNAL; /* where a conflict is expected its caller has looked at it before */
	case STORE_BUSY:
		return CORE_BUSY;
	case STORE_NO_SPACE:
		return CORE_NO_SPACE;
	case STORE_CORRUPT:
		return CORE_DAMAGED;
	case STORE_UNKNOWN:
		return CORE_UNKNOWN;
	case STORE_NOMEM:
		return CORE_NOMEM;
	case STORE_IO:
	case STORE_NEWER:
	case STORE_OLDER:
	case STORE_LOCKED:
	case STORE_STOPPED:
		return CORE_UNAVAILABLE;
	}
	return CORE_INTERNAL;
}

enum core_status core_from_crypto(enum crypto_status status)
{
	switch (status) {
	case CRYPTO_OK:
		return CORE_OK;
	case CRYPTO_NOMEM:
		return CORE_NOMEM;
	case CRYPTO_RANDOM:
		return CORE_INTERNAL;
	case CRYPTO_AUTH:
	case CRYPTO_FORMAT:
	case CRYPTO_KEY:
		return CORE_DAMAGED;
	case CRYPTO_LOCKED:
		return CORE_UNAVAILABLE;
	}
	return CORE_INTERNAL;
}
