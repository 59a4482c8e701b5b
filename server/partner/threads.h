/*
 * What was exchanged with partners: sessions, which continue with the AES key of an earlier sealed message (FORMATS
 * §4), and digests of the messages that have been read, so that a repeat can be marked.
 */
#ifndef COFFER_PARTNER_THREADS_H
#define COFFER_PARTNER_THREADS_H

#include "crypto/message.h"
#include "crypto/session.h"
#include "server/partner/profile.h"

/* Both directions of a session. Wipe it by thread_wipe(). */
struct thread {
	char partner[DIRECTORY_NAME_MAX + 1];
	struct message_key key;
	uint8_t first[DIGEST_SIZE];		       /* SHA-256 of the sealed message that began it */
	uint8_t own[DIGEST_SIZE], theirs[DIGEST_SIZE]; /* fingerprints */
	uint64_t sent, received;		       /* the last counters */
	uint64_t began_ms;
};

enum state_found thread_find(const struct profile *profile, const uint8_t first[static DIGEST_SIZE],
			     struct thread *ret_thread, struct complaint *complaint);
/* The newest with this partner, under these two keys. */
enum state_found thread_newest(const struct profile *profile, const char *partner,
			       const uint8_t own[static DIGEST_SIZE], const uint8_t theirs[static DIGEST_SIZE],
			       struct thread *ret_thread, struct complaint *complaint);
bool thread_save(const struct profile *profile, const struct thread *thread, struct complaint *complaint);
/* Of a message that never arrived; that there is none is no failure. */
void thread_forget(const struct profile *profile, const uint8_t first[static DIGEST_SIZE]);
/* One direction, for session_seal() and session_open(); its key is a copy to be wiped. */
void thread_session(const struct thread *thread, bool sending, struct session *ret_session);
void thread_wipe(struct thread *thread);

/* *ret_id: of the message whose bytes these were, as text. */
enum state_found seen_find(const struct profile *profile, const uint8_t digest[static DIGEST_SIZE],
			   char ret_id[static 37], struct complaint *complaint);
bool seen_put(const struct profile *profile, const uint8_t digest[static DIGEST_SIZE], const char *id,
	      struct complaint *complaint);

#endif
