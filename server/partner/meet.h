/* Meeting a partner: the server's word for a key, held against the pin. */
#ifndef COFFER_PARTNER_MEET_H
#define COFFER_PARTNER_MEET_H

#include "server/partner/pins.h"
#include "server/partner/remote.h"

enum meeting {
	MEET_KNOWN,
	MEET_NEW,     /* nobody had been met by that name: pinned now */
	MEET_CHANGED, /* a wall, with a complaint that has both fingerprints and says how to accept the new one */
	MEET_FAILED,  /* with a complaint */
};

/* Asks the server for the key of `name`; one's own must be one's own. ret_pin is set for KNOWN and NEW. */
enum meeting meet(struct remote *remote, const char *name, struct pin *ret_pin, struct complaint *complaint);
/* The same without asking when there is a pin; `now`: the fingerprint that somebody claims for the name, or NULL. */
enum meeting meet_again(struct remote *remote, const char *name, const uint8_t *now, struct pin *ret_pin,
			struct complaint *complaint);

#endif
