#include "server/partner/pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/pubkey.h"

enum { PEM_ROOM = 4096 };

static void path_of(const struct profile *profile, const char *name, char ret_path[static PROFILE_PATH_MAX])
{
	char file[DIRECTORY_NAME_MAX + 32];

	snprintf(file, sizeof(file), "partners/%s.json", name);
	profile_path(profile, file, ret_path);
}

enum state_found pin_find(const struct profile *profile, const char *name, struct pin *ret_pin,
			  struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX], pem[PEM_ROOM];
	struct pin pin = {.key = NULL};
	uint8_t fingerprint[DIGEST_SIZE];
	enum pubkey_verdict verdict = PUBKEY_OK;
	struct json_doc *doc = NULL;
	enum state_found found;
	bool good;

	path_of(profile, name, path);
	found = state_read(path, true, &doc, complaint);
	if (found != STATE_FOUND)
		return found;
	good = state_text(doc, "public_key", sizeof(pem) - 1, pem) && state_hex(doc, "fingerprint", fingerprint) &&
	       state_bool(doc, "verified", &pin.verified);
	json_doc_free(doc);
	if (good) {
		verdict = pubkey_from_pem(pem, strlen(pem), &pin.key);
		good = verdict == PUBKEY_OK;
	}
	if (verdict == PUBKEY_NOMEM) {
		complain(complaint, "out of memory"); /* a pin is not to be removed for that */
		return STATE_BROKEN;
	}
	if (good) {
		rsakey_public_id(pin.key, pin.fingerprint);
		good = memcmp(pin.fingerprint, fingerprint, sizeof(fingerprint)) == 0;
	}
	if (!good) {
		pin_done(&pin);
		complain(complaint, "%s is damaged: remove it to meet %s anew", path, name);
		return STATE_BROKEN;
	}
	*ret_pin = pin;
	return STATE_FOUND;
}

bool pin_put(const struct profile *profile, const char *name, const struct rsakey_public *key, bool verified,
	     struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	uint8_t fingerprint[DIGEST_SIZE];
	struct json *doc;
	char *pem = NULL;
	size_t size;

	if (pubkey_to_pem(key, &pem, &size) != CRYPTO_OK)
		return complain(complaint, "out of memory");
	rsakey_public_id(key, fingerprint);
	doc = json_new();
	state_put_hex(doc, "fingerprint", fingerprint);
	json_bool(doc, "verified", verified);
	json_text(doc, "public_key", pem);
	free(pem);
	path_of(profile, name, path);
	return state_write(path, 0600, doc, complaint);
}

void pin_done(struct pin *pin)
{
	rsakey_public_free(pin->key);
	pin->key = NULL;
}
