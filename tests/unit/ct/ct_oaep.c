/*
 * Is the judging of secrets constant-time? Run under valgrind's memcheck: the secret is marked as undefined, and
 * memcheck then complains of every branch and every address that depends on it. Silence is the result wanted; the
 * verdict itself is marked as defined, for it is what the caller may learn.
 *
 * Built with -DPLANT_LEAK the program also judges the padding in the obvious way, byte after byte, so that one sees
 * memcheck catch it: a test that cannot fail proves nothing.
 */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "crypto/digest.h"
#include "crypto/eme.h"
#include "crypto/secret.h"

enum { EM_SIZE = 256 };

static const uint8_t SEED[EME_HASH_MAX] = {3, 1, 4, 1, 5, 9, 2, 6};

#ifdef PLANT_LEAK
static size_t leaky_start(const uint8_t *db, size_t size)
{
	size_t i = 0;

	while (i < size && db[i] == 0)
		i++;
	return i;
}
#endif

/* Judges one encoding with a byte damaged (at EM_SIZE: none). Returns whether the verdict was right. */
static bool judge(enum oaep_hash hash, size_t damaged)
{
	static const char *const words[] = {"bad", "good"};
	const struct eme_oaep oaep = {.hash = hash, .label = "label", .label_size = 5};
	uint8_t em[EM_SIZE];
	size_t start;

	if (eme_oaep_encode(&oaep, SEED, (const uint8_t *)"secret", 6, em, EM_SIZE) != CRYPTO_OK)
		return false;
	if (damaged < EM_SIZE)
		em[damaged] ^= 1;
	VALGRIND_MAKE_MEM_UNDEFINED(em, sizeof(em));
	bool good = eme_oaep_unmask(&oaep, em, EM_SIZE, &start);
#ifdef PLANT_LEAK
	size_t h = eme_hash_size(hash);
	if (leaky_start(em + 1 + 2 * h, EM_SIZE - 1 - 2 * h) == 0)
		puts("leaked");
#endif
	VALGRIND_MAKE_MEM_DEFINED(&good, sizeof(good));
	VALGRIND_MAKE_MEM_DEFINED(&start, sizeof(start));
	bool right = good == (damaged == EM_SIZE) && start == (good ? EM_SIZE - 6 : EM_SIZE);
	if (!right)
		printf("wrong verdict %s with byte %zu damaged\n", words[good], damaged);
	return right;
}

/* Tags, MACs and commitments are all compared by this function. */
static bool compare(size_t differing)
{
	uint8_t computed[DIGEST_SIZE] = {7};
	uint8_t given[DIGEST_SIZE] = {7};

	if (differing < DIGEST_SIZE)
		given[differing] ^= 0x80;
	VALGRIND_MAKE_MEM_UNDEFINED(computed, sizeof(computed));
	bool equal = secret_equal(computed, given, DIGEST_SIZE);
	VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof(equal));
	return equal == (differing == DIGEST_SIZE);
}

int main(void)
{
	static const size_t damaged[] = {0, 1, 20, 21, 33, 64, 65, 200, 249, 255, EM_SIZE};
	bool right = true;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		right &= judge(OAEP_SHA1, damaged[i]);
		right &= judge(OAEP_SHA256, damaged[i]);
	}
	for (size_t i = 0; i <= DIGEST_SIZE; i++)
		right &= compare(i);
	puts(right ? "verdicts right" : "verdicts WRONG");
	return right ? 0 : 1;
}
