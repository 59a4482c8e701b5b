#include "server/partner/threads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

static void path_of(const struct profile *profile, const char *room, const uint8_t digest[static DIGEST_SIZE],
		    char ret_path[static PROFILE_PATH_MAX])
{
	char hex[2 * DIGEST_SIZE + 1], file[128];

	encode_hex(digest, DIGEST_SIZE, hex);
	snprintf(file, sizeof(file), "%s/%s.json", room, hex);
	profile_path(profile, file, ret_path);
}

/* ---- sessions -----------------------------------------------------------------------------------------------------
 */

static bool read_key(const struct json_doc *doc, struct message_key *ret_key)
{
	char text[ENCODE_BASE64_SIZE(MESSAGE_KEY_MAX)];
	const bool good = state_text(doc, "key", sizeof(text) - 1, text) &&
			  decode_base64(text, strlen(text), ret_key->b, sizeof(ret_key->b), &ret_key->size) &&
			  (ret_key->size == 16 || ret_key->size == 24 || ret_key->size == 32);

	secret_wipe(text, sizeof(text));
	return good;
}

enum state_found thread_find(const struct profile *profile, const uint8_t first[static DIGEST_SIZE],
			     struct thread *ret_thread, struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	struct thread thread = {.sent = 0};
	struct json_doc *doc = NULL;
	enum state_found found;

	path_of(profile, "sessions", first, path);
	found = state_read(path, true, &doc, complaint);
	if (found != STATE_FOUND)
		return found;
	memcpy(thread.first, first, sizeof(thread.first));
	if (state_text(doc, "partner", sizeof(thread.partner) - 1, thread.partner) && read_key(doc, &thread.key) &&
	    state_hex(doc, "own", thread.own) && state_hex(doc, "theirs", thread.theirs) &&
	    state_counter(doc, "sent", &thread.sent) && state_counter(doc, "received", &thread.received) &&
	    state_number(doc, "began", &thread.began_ms)) {
		*ret_thread = thread;
	} else {
		complain(complaint, "%s is damaged", path);
		found = STATE_BROKEN;
	}
	json_doc_free(doc);
	thread_wipe(&thread);
	return found;
}

static bool fits(const struct thread *thread, const char *partner, const uint8_t own[static DIGEST_SIZE],
		 const uint8_t theirs[static DIGEST_SIZE])
{
	return strcmp(thread->partner, partner) == 0 && memcmp(thread->own, own, DIGEST_SIZE) == 0 &&
	       memcmp(thread->theirs, theirs, DIGEST_SIZE) == 0;
}

enum state_found thread_newest(const struct profile *profile, const char *partner,
			       const uint8_t own[static DIGEST_SIZE], const uint8_t theirs[static DIGEST_SIZE],
			       struct thread *ret_thread, struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	enum state_found found = STATE_ABSENT;
	DIR *room;

	profile_path(profile, "sessions", path);
	room = opendir(path);
	if (!room)
		return STATE_ABSENT;
	for (const struct dirent *file; found != STATE_BROKEN && (file = readdir(room));) {
		uint8_t first[DIGEST_SIZE];
		struct thread thread;

		if (strlen(file->d_name) != 2 * DIGEST_SIZE + 5 ||
		    !decode_hex(file->d_name, 2 * DIGEST_SIZE, first, sizeof(first)))
			continue;
		switch (thread_find(profile, first, &thread, complaint)) {
		case STATE_FOUND:
			if (fits(&thread, partner, own, theirs) &&
			    (found == STATE_ABSENT || thread.began_ms >= ret_thread->began_ms)) {
				*ret_thread = thread;
				found = STATE_FOUND;
			}
			thread_wipe(&thread);
			break;
		case STATE_ABSENT:
			break;
		case STATE_BROKEN:
			found = STATE_BROKEN;
			break;
		}
	}
	closedir(room);
	return found;
}

bool thread_save(const struct profile *profile, const struct thread *thread, struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX], key[ENCODE_BASE64_SIZE(MESSAGE_KEY_MAX)];
	struct json *doc = json_new();

	encode_base64(thread->key.b, thread->key.size, key);
	json_text(doc, "partner", thread->partner);
	json_text(doc, "key", key);
	secret_wipe(key, sizeof(key));
	state_put_hex(doc, "own", thread->own);
	state_put_hex(doc, "theirs", thread->theirs);
	state_put_counter(doc, "sent", thread->sent);
	state_put_counter(doc, "received", thread->received);
	json_number(doc, "began", thread->began_ms);
	path_of(profile, "sessions", thread->first, path);
	return state_write(path, 0600, doc, complaint);
}

void thread_forget(const struct profile *profile, const uint8_t first[static DIGEST_SIZE])
{
	char path[PROFILE_PATH_MAX];

	path_of(profile, "sessions", first, path);
	(void)unlink(path);
}

void thread_session(const struct thread *thread, bool sending, struct session *ret_session)
{
	ret_session->key = thread->key;
	memcpy(ret_session->first, thread->first, sizeof(ret_session->first));
	memcpy(ret_session->sender, sending ? thread->own : thread->theirs, sizeof(ret_session->sender));
	memcpy(ret_session->recipient, sending ? thread->theirs : thread->own, sizeof(ret_session->recipient));
}

void thread_wipe(struct thread *thread)
{
	secret_wipe(thread, sizeof(*thread));
}

/* ---- what has been read --------------------------------------------------------------------------------------------
 */

enum state_found seen_find(const struct profile *profile, const uint8_t digest[static DIGEST_SIZE],
			   char ret_id[static 37], struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	struct json_doc *doc = NULL;
	enum state_found found;

	path_of(profile, "seen", digest, path);
	found = state_read(path, true, &doc, complaint);
	if (found == STATE_FOUND && !state_text(doc, "id", 36, ret_id)) {
		complain(complaint, "%s is damaged", path);
		found = STATE_BROKEN;
	}
	json_doc_free(doc);
	return found;
}

bool seen_put(const struct profile *profile, const uint8_t digest[static DIGEST_SIZE], const char *id,
	      struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	struct json *doc = json_new();

	json_text(doc, "id", id);
	path_of(profile, "seen", digest, path);
	return state_write(path, 0600, doc, complaint);
}
