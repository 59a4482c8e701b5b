#include "server/partner/meet.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/fingerprint.h"

static bool changed(const struct profile *profile, const char *name, const struct pin *pin,
		    const uint8_t now[static DIGEST_SIZE], struct complaint *complaint)
{
	char old_hex[2 * DIGEST_SIZE + 1], new_hex[2 * DIGEST_SIZE + 1];
	char option[PROFILE_OPTION_MAX];
	char old_digits[FINGERPRINT_DIGITS_SIZE], new_digits[FINGERPRINT_DIGITS_SIZE];

	profile_option(profile, option);
	encode_hex(pin->fingerprint, DIGEST_SIZE, old_hex);
	encode_hex(now, DIGEST_SIZE, new_hex);
	fingerprint_digits(pin->fingerprint, old_digits);
	fingerprint_digits(now, new_digits);
	return complain(
		complaint,
		"THE KEY OF %s HAS CHANGED: somebody may be in between. Nothing was done.\n"
		"  known:   %s\n           %s\n"
		"  now:     %s\n           %s\n"
		"Ask %s over another channel, and only if the new one is theirs: coffer accept %s --fingerprint %s%s",
		name, old_hex, old_digits, new_hex, new_digits, name, name, new_hex, option);
}

static enum meeting compare(const struct profile *profile, const char *name, struct pin *pin,
			    const uint8_t now[static DIGEST_SIZE], struct complaint *complaint)
{
	if (memcmp(pin->fingerprint, now, DIGEST_SIZE) == 0)
		return MEET_KNOWN;
	(void)changed(profile, name, pin, now, complaint);
	pin_done(pin);
	return MEET_CHANGED;
}

enum meeting meet(struct remote *remote, const char *name, struct pin *ret_pin, struct complaint *complaint)
{
	struct rsakey_public *key = NULL;
	uint8_t now[DIGEST_SIZE];
	enum meeting meeting = MEET_FAILED;

	if (!remote_key(remote, name, &key, complaint))
		return MEET_FAILED;
	rsakey_public_id(key, now);
	switch (pin_find(remote->profile, name, ret_pin, complaint)) {
	case STATE_FOUND:
		meeting = compare(remote->profile, name, ret_pin, now, complaint);
		break;
	case STATE_ABSENT:
		if (!pin_put(remote->profile, name, key, false, complaint))
			break;
		*ret_pin = (struct pin){.key = key};
		key = NULL;
		memcpy(ret_pin->fingerprint, now, sizeof(now));
		meeting = MEET_NEW;
		break;
	case STATE_BROKEN:
		break;
	}
	rsakey_public_free(key);
	return meeting;
}

enum meeting meet_again(struct remote *remote, const char *name, const uint8_t *now, struct pin *ret_pin,
			struct complaint *complaint)
{
	enum meeting meeting;

	switch (pin_find(remote->profile, name, ret_pin, complaint)) {
	case STATE_FOUND:
		return now ? compare(remote->profile, name, ret_pin, now, complaint) : MEET_KNOWN;
	case STATE_BROKEN:
		return MEET_FAILED;
	case STATE_ABSENT:
		break;
	}
	meeting = meet(remote, name, ret_pin, complaint);
	if ((meeting == MEET_NEW || meeting == MEET_KNOWN) && now &&
	    compare(remote->profile, name, ret_pin, now, complaint) != MEET_KNOWN)
		return MEET_CHANGED;
	return meeting;
}
