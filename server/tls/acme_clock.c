#include "server/tls/acme_clock.h"

/* Between -most and most, even over all of spread. */
static int64_t swing(int64_t most, uint32_t spread)
{
	return (int64_t)((double)most * ((double)spread / (double)UINT32_MAX * 2 - 1));
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t acme_clock_due(int64_t not_before_ms, int64_t not_after_ms, uint32_t spread)
{
	const int64_t lifetime = not_after_ms - not_before_ms;

	return not_before_ms + lifetime / 3 * 2 + swing(lifetime / 60, spread);
}

int64_t acme_clock_retry(unsigned failures, int64_t retry_ms, int64_t lifetime_ms, uint32_t spread)
{
	int64_t wait = retry_ms;

	for (unsigned i = 1; i < failures && wait < ACME_CLOCK_RETRY_MAX_MS; i++)
		wait *= 2;
	wait = least(wait, ACME_CLOCK_RETRY_MAX_MS);
	if (lifetime_ms > 0)
		wait = least(wait, lifetime_ms / 30);
	wait += swing(wait / 4, spread);
	return wait > ACME_CLOCK_RETRY_MIN_MS ? wait : ACME_CLOCK_RETRY_MIN_MS;
}
