#include "crypto/status.h"

const char *crypto_status_text(enum crypto_status status)
{
	switch (status) {
	case CRYPTO_OK:
		return "success";
	case CRYPTO_NOMEM:
		return "out of memory or of lockable memory";
	case CRYPTO_RANDOM:
		return "the random generator failed";
	case CRYPTO_AUTH:
		return "authentication failed";
	case CRYPTO_FORMAT:
		return "malformed input";
	case CRYPTO_KEY:
		return "key not accepted";
	case CRYPTO_LOCKED:
		return "private key is locked";
	}
	return "unknown crypto status";
}
