#include "server/partner/meet.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/fingerprint.h"

static bool is_oneself(const struct profile *profile, const char *name)
{
	return strcmp(name, profile->name) == 0;
}

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
	if (is_oneself(profile, name))
		return complain(complaint,
				"THIS IS NOT YOUR KEY, though it is given for %s, which is you: %s\n"
				"Somebody may be in between, and read what is sealed to it. Nothing was done.",
				name, new_hex);
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

/* One's own key needs nobody's word, and is known before any is pinned. Takes the key, also on failure. */
static enum meeting meet_oneself(struct remote *remote, struct rsakey_public *key, struct pin *ret_pin,
				 struct complaint *complaint)
{
	const struct rsakey_private *own;
	struct pin pin = {.key = key, .verified = true};
	uint8_t now[DIGEST_SIZE];
	enum meeting meeting;

	if (!remote->load_key(remote->arg, &own, complaint)) {
		pin_done(&pin);
		return MEET_FAILED;
	}
	rsakey_public_id(key, now);
	rsakey_public_id(rsakey_private_public(own), pin.fingerprint);
	meeting = compare(remote->profile, remote->profile->name, &pin, now, complaint);
	if (meeting == MEET_KNOWN)
		*ret_pin = pin;
	return meeting;
}

enum meeting meet(struct remote *remote, const char *name, struct pin *ret_pin, struct complaint *complaint)
{
	struct rsakey_public *key = NULL;
	uint8_t now[DIGEST_SIZE];
	enum meeting meeting = MEET_FAILED;

	if (!remote_key(remote, name, &key, complaint))
		return MEET_FAILED;
	if (is_oneself(remote->profile, name))
		return meet_oneself(remote, key, ret_pin, complaint);
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

	switch (is_oneself(remote->profile, name) ? STATE_ABSENT
						  : pin_find(remote->profile, name, ret_pin, complaint)) {
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
