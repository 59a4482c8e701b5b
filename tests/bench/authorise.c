/*
 * authorise DIR PAIRS SECONDS: how long it takes to decide whether a token may read a record, which is not its
 * account's own: the token's row, the account's, the record's latest version and the grant, each with its MAC. PAIRS
 * has lines of a token and a record's id in hexadecimal; they are drawn at random. Prints the median and the
 * 99th percentile of the checks in microseconds. On one thread, and with nothing written meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/encode.h"
#include "server/core/account.h"
#include "server/core/home.h"
#include "server/core/record.h"

enum { TIMES_MAX = 2000000 };

struct pair {
	char token[ACCOUNT_TOKEN_CHARS + 1];
	uint8_t record_id[16];
};

struct bench {
	struct home *home;
	struct store_view *view;
	struct pair *pairs;
	size_t count;
	float *times;
	size_t taken;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool read_pairs(struct bench *bench, const char *path)
{
	FILE *file = fopen(path, "r");
	char token[ACCOUNT_TOKEN_CHARS + 1], record[33];
	bool good = file != NULL;

	while (good && fscanf(file, "%50s %32s", token, record) == 2) {
		struct pair *pairs = reallocarray(bench->pairs, bench->count + 1, sizeof(*pairs));

		good = pairs && decode_hex(record, strlen(record), pairs[bench->count].record_id, 16);
		if (!pairs)
			break;
		bench->pairs = pairs;
		memcpy(pairs[bench->count++].token, token, sizeof(token));
	}
	if (file)
		fclose(file);
	return good && bench->count > 0;
}

static bool authorise(const struct bench *bench, const struct pair *pair)
{
	const struct vault *vault = home_vault(bench->home);
	struct principal principal;
	struct store_version *row = NULL;
	enum core_status status = account_authenticate(vault, bench->view, pair->token, &principal);

	if (status == CORE_OK)
		status = record_lookup(vault, bench->view, &principal, RECORD_READ, pair->record_id, &row);
	free(row);
	return status == CORE_OK;
}

/* xorshift64: where the pairs are drawn should cost nothing. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool measure(struct bench *bench, double seconds, bool keep)
{
	const double until = now() + seconds;
	uint64_t state = 88172645463325252u;

	for (double begun = now(), ended; begun < until; begun = ended) {
		if (!authorise(bench, &bench->pairs[draw(&state) % bench->count]))
			return false;
		ended = now();
		if (keep && bench->taken < TIMES_MAX)
			bench->times[bench->taken++] = (float)(ended - begun);
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct bench bench = {.home = NULL};
	char error[1024] = "";
	const double seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
	int status = 1;

	if (seconds <= 0) {
		fputs("usage: authorise DIR PAIRS SECONDS\n", stderr);
		return 2;
	}
	bench.times = malloc(TIMES_MAX * sizeof(bench.times[0]));
	/* No token is kept: each check looks at every row. */
	if (!bench.times || !read_pairs(&bench, argv[2]) ||
	    home_open(&(struct home_options){.data = argv[1], .read_only = true}, &bench.home, error, sizeof(error)) !=
		    CORE_OK ||
	    store_view_new(home_vault(bench.home)->store, &bench.view) != STORE_OK ||
	    !measure(&bench, seconds / 4, false) || !measure(&bench, seconds, true) || bench.taken == 0) {
		fprintf(stderr, "authorise: %s\n", error[0] ? error : "cannot read, or not authorised");
		goto out;
	}
	qsort(bench.times, bench.taken, sizeof(bench.times[0]), compare);
	printf("%.2f %.2f\n", (double)bench.times[bench.taken / 2] * 1e6,
	       (double)bench.times[bench.taken * 99 / 100] * 1e6);
	status = 0;
out:
	store_view_free(bench.view);
	home_close(bench.home);
	free(bench.pairs);
	free(bench.times);
	return status;
}
