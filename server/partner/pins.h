/*
 * Pins: the key that each partner was known by at first use, as ssh keeps those of hosts. Another key is a wall: only
 * the user can accept it, by its fingerprint.
 */
#ifndef COFFER_PARTNER_PINS_H
#define COFFER_PARTNER_PINS_H

#include "crypto/rsakey.h"
#include "server/partner/profile.h"

struct pin {
	struct rsakey_public *key; /* freed by pin_done() */
	uint8_t fingerprint[DIGEST_SIZE];
	bool verified; /* the user has compared it */
};

/* name: as directory_name() gives it. */
enum state_found pin_find(const struct profile *profile, const char *name, struct pin *ret_pin,
			  struct complaint *complaint);
bool pin_put(const struct profile *profile, const char *name, const struct rsakey_public *key, bool verified,
	     struct complaint *complaint);
void pin_done(struct pin *pin);

#endif
