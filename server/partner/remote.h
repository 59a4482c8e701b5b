/*
 * A partner's server, as the tool asks it. Logging in comes by itself where a token is missing or has ended. What the
 * server says is believed in nothing that a signature, a pin or a label can decide.
 */
#ifndef COFFER_PARTNER_REMOTE_H
#define COFFER_PARTNER_REMOTE_H

#include "crypto/rsakey.h"
#include "server/client/client.h"
#include "server/partner/profile.h"

struct remote {
	struct profile *profile;
	struct client *client;
	/* The private key, loaded when it is first needed; false with a complaint. */
	bool (*load_key)(void *arg, const struct rsakey_private **ret_key, struct complaint *complaint);
	void *arg;
};

/* profile and load_key are filled in. Verifies the server by the profile's CA. stop: as client_options'. */
bool remote_open(struct remote *remote, bool (*stop)(void), struct complaint *complaint);
void remote_close(struct remote *remote);

/* Any reply at all; with a token when there is one, and after logging in when that is needed. */
bool remote_ask(struct remote *remote, const struct client_request *request, struct client_reply *ret_reply,
		struct complaint *complaint);
/* The same without a token. */
bool remote_ask_openly(struct remote *remote, const struct client_request *request, struct client_reply *ret_reply,
		       struct complaint *complaint);
/* Complains of a reply that was not hoped for: title and detail of a problem document, without control characters. */
bool remote_refused(const struct client_reply *reply, const char *what, struct complaint *complaint);

/* Opens a challenge, and keeps the token. */
bool remote_login(struct remote *remote, struct complaint *complaint);
/* Registers the profile's name with its key; `secret`: of an invite, or NULL. *ret_status: the server's answer. */
bool remote_join(struct remote *remote, const char *secret, long *ret_status, struct complaint *complaint);
/* The key that the server has for a name, which says nothing of whether it is the partner's. */
bool remote_key(struct remote *remote, const char *name, struct rsakey_public **ret_key, struct complaint *complaint);

/* `text` with control characters and what is not ASCII shown as '?': for terminals. */
void remote_clean(char *text);

#endif
