/*
 * A profile: who one is on which server, and all that the tool remembers of it, in a directory of its own (0700):
 *
 *   profile.json   origin, name, and where the private key is
 *   ca.pem         the CA that the server is verified by; absent: those that the system trusts
 *   key.pem        the private key (0600), unless it was kept elsewhere; key.pub.pem
 *   token          of the last login (0600)
 *   partners/      NAME.json: the key that a partner is known by
 *   sessions/      DIGEST.json (0600): the AES key of an earlier message, and counters
 *   seen/          DIGEST.json: a message that has been read
 *
 * One process at a time: profile_lock().
 */
#ifndef COFFER_PARTNER_PROFILE_H
#define COFFER_PARTNER_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/core/directory.h"
#include "server/partner/state.h"

enum { PROFILE_PATH_MAX = 4096 };

struct profile {
	char directory[PROFILE_PATH_MAX - 256];
	char origin[DIRECTORY_ORIGIN_MAX + 1];
	char name[DIRECTORY_NAME_MAX + 1];
	char key_file[PROFILE_PATH_MAX];
	bool joined; /* the server is known to have the key */
	bool given;  /* as an option, which other commands then need too */
	int lock_fd; /* -1: not locked */
};

/*
 * Finds the directory: `given`, else $COFFER_HOME, else coffer in $XDG_CONFIG_HOME, else in ~/.config; makes it and
 * what is in it when `make`.
 */
bool profile_open(const char *given, bool make, struct profile *ret_profile, struct complaint *complaint);
/* Reads profile.json. */
enum state_found profile_load(struct profile *profile, struct complaint *complaint);
bool profile_save(const struct profile *profile, struct complaint *complaint);
/* Waits for others that use it; until profile_close(). */
bool profile_lock(struct profile *profile, struct complaint *complaint);
void profile_close(struct profile *profile);

/* For a command that is to be typed: " --home 'DIR'" where it was given so, else nothing. */
enum { PROFILE_OPTION_MAX = 4 * PROFILE_PATH_MAX };
void profile_option(const struct profile *profile, char ret_text[static PROFILE_OPTION_MAX]);

void profile_path(const struct profile *profile, const char *name, char ret_path[static PROFILE_PATH_MAX]);
/* The token of the last login in secret memory, for secret_free(*ret_token, *ret_size); NULL when there is none. */
bool profile_token(const struct profile *profile, char **ret_token, size_t *ret_size, struct complaint *complaint);
/* NULL forgets it. */
bool profile_set_token(const struct profile *profile, const char *token, struct complaint *complaint);

#endif
