#include "server/core/login.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/core/clock.h"

enum { CHALLENGE_BYTES = 32 };

struct challenge {
	uint8_t id[16];
	int64_t until_ms; /* CLOCK_MONOTONIC; 0: none here */
	uint8_t answer[DIGEST_SIZE];
	struct directory_entry entry;
};

struct login {
	int64_t ttl_ms;
	pthread_mutex_t lock;
	size_t next; /* under `lock`, as the places */
	struct challenge places[LOGIN_CHALLENGES];
};

struct login *login_new(int64_t ttl_ms)
{
	struct login *login = calloc(1, sizeof(*login));

	if (!login)
		return NULL;
	login->ttl_ms = ttl_ms;
	pthread_mutex_init(&login->lock, NULL);
	return login;
}

void login_free(struct login *login)
{
	if (!login)
		return;
	pthread_mutex_destroy(&login->lock);
	secret_wipe(login->places, sizeof(login->places));
	free(login);
}

void login_label(const char *origin, const char *account, const uint8_t id[static 16],
		 char ret_label[static LOGIN_LABEL_MAX], size_t *ret_size)
{
	char text[ENCODE_UUID_CHARS + 1];

	encode_uuid(id, text);
	*ret_size = (size_t)snprintf(ret_label, LOGIN_LABEL_MAX, "coffer-login-v1\n%s\n%s\n%s", origin, account, text);
}

/* An id tells its place, so that finding it needs no search; the rest of it is random. */
static void put_place(uint8_t id[static 16], size_t place)
{
	id[0] = (uint8_t)(place >> 8);
	id[1] = (uint8_t)place;
}

static size_t place_of(const uint8_t id[static 16])
{
	return ((size_t)id[0] << 8 | id[1]) % LOGIN_CHALLENGES;
}

static void keep(struct login *login, const struct login_offer *offer, size_t place,
		 const struct directory_entry *entry, const uint8_t answer[static DIGEST_SIZE])
{
	struct challenge *challenge = &login->places[place];

	pthread_mutex_lock(&login->lock);
	memcpy(challenge->id, offer->id, sizeof(challenge->id));
	challenge->until_ms = clock_monotonic_ms() + login->ttl_ms;
	memcpy(challenge->answer, answer, DIGEST_SIZE);
	challenge->entry = *entry;
	pthread_mutex_unlock(&login->lock);
}

enum core_status login_challenge(struct login *login, const char *origin, const struct directory_entry *entry,
				 const struct rsakey_public *key, struct login_offer *ret_offer)
{
	uint8_t bytes[CHALLENGE_BYTES], answer[DIGEST_SIZE];
	char label[LOGIN_LABEL_MAX];
	enum crypto_status status;
	size_t place, label_size;

	pthread_mutex_lock(&login->lock);
	place = login->next;
	login->next = (login->next + 1) % LOGIN_CHALLENGES;
	pthread_mutex_unlock(&login->lock);
	status = random_key(bytes, sizeof(bytes));
	if (status == CRYPTO_OK)
		status = random_nonce(ret_offer->id, sizeof(ret_offer->id));
	if (status != CRYPTO_OK)
		goto out;
	put_place(ret_offer->id, place);
	login_label(origin, entry->name, ret_offer->id, label, &label_size);
	ret_offer->size = rsakey_public_size(key);
	ret_offer->expires_ms = clock_unix_ms() + login->ttl_ms;
	status = oaep_encrypt(key, OAEP_SHA256, label, label_size, bytes, sizeof(bytes), ret_offer->challenge);
	if (status != CRYPTO_OK)
		goto out;
	digest_sha256(bytes, sizeof(bytes), answer);
	keep(login, ret_offer, place, entry, answer);
out:
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(answer, sizeof(answer));
	return core_from_crypto(status);
}

enum core_status login_answer(struct login *login, const uint8_t id[static 16],
			      const uint8_t answer[static DIGEST_SIZE], struct directory_entry *ret_entry)
{
	struct challenge *challenge = &login->places[place_of(id)];
	enum core_status status = CORE_NOT_FOUND;

	pthread_mutex_lock(&login->lock);
	if (challenge->until_ms != 0 && secret_equal(challenge->id, id, sizeof(challenge->id))) {
		if (clock_monotonic_ms() < challenge->until_ms)
			status = secret_equal(challenge->answer, answer, DIGEST_SIZE) ? CORE_OK : CORE_DENIED;
		*ret_entry = challenge->entry;
		secret_wipe(challenge, sizeof(*challenge));
	}
	pthread_mutex_unlock(&login->lock);
	return status;
}
