/*
 * rsa_rate BITS SECONDS: how many unwrappings of a record key by RSA all cores make in a second, with this project's
 * own code, which is Nettle's blinded private operation and OAEP: the ceiling of reads without epoch keys.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/oaep.h"

enum { MESSAGE_SIZE = 32, THREADS_MAX = 256 };

struct rate {
	struct rsakey_private *key;
	uint8_t wrap[RSAKEY_MAX_SIZE];
	size_t wrap_size;
	double until;
	atomic_ulong count;
	atomic_bool failed;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *unwrap(void *arg)
{
	struct rate *rate = arg;
	uint8_t message[RSAKEY_MAX_SIZE];
	size_t size;

	while (now() < rate->until) {
		if (oaep_decrypt(rate->key, OAEP_SHA256, "", 0, rate->wrap, rate->wrap_size, message, &size) !=
		    CRYPTO_OK)
			atomic_store(&rate->failed, true);
		atomic_fetch_add(&rate->count, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const uint8_t message[MESSAGE_SIZE];
	struct rate rate = {0};
	pthread_t threads[THREADS_MAX];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned bits = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	double seconds = argc == 3 ? strtod(argv[2], NULL) : 0, started;
	long running = 0;

	if (bits == 0 || seconds <= 0 || cores < 1 || cores > THREADS_MAX) {
		fputs("usage: rsa_rate BITS SECONDS\n", stderr);
		return 2;
	}
	if (rsakey_generate(bits, &rate.key) != CRYPTO_OK ||
	    oaep_encrypt(rsakey_private_public(rate.key), OAEP_SHA256, "", 0, message, sizeof(message), rate.wrap) !=
		    CRYPTO_OK)
		return 1;
	rate.wrap_size = rsakey_public_size(rsakey_private_public(rate.key));
	started = now();
	rate.until = started + seconds;
	while (running < cores && pthread_create(&threads[running], NULL, unwrap, &rate) == 0)
		running++;
	for (long i = 0; i < running; i++)
		pthread_join(threads[i], NULL);
	printf("%.1f\n", (double)atomic_load(&rate.count) / (now() - started));
	rsakey_private_free(rate.key);
	return running == cores && !atomic_load(&rate.failed) ? 0 : 1;
}
