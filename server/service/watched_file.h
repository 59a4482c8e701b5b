/*
 * A file that others replace while the server runs. Symbolic links are followed: certbot's files are links into its
 * archive, and a renewal points them elsewhere.
 */
#ifndef COFFER_SERVICE_WATCHED_FILE_H
#define COFFER_SERVICE_WATCHED_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "server/service/cert_texts.h"

/* What tells that a file is another one, or has been written to. */
struct file_mark {
	int fault; /* errno of looking at it, else 0 and the rest */
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct watched_file {
	const char *path;      /* borrowed; NULL or "": no file, which never changes */
	bool secret;	       /* a private key: see watched_file_read() */
	size_t max;	       /* bytes */
	struct file_mark mark; /* as it was read last */
};

enum watched_state {
	WATCHED_SAME,	  /* as it was read last */
	WATCHED_CHANGED,  /* no longer */
	WATCHED_SETTLING, /* no longer, and perhaps somebody is still at it */
};
enum watched_state watched_file_look(const struct watched_file *file);

/*
 * Reads it whole, and remembers what it was. A private key may be read by its group (as Debian's ssl-cert, and
 * systemd's credentials), changed by its owner, and used by nobody else; its owner is root or this process's user.
 * False: told in a line of the error, without contents.
 */
__attribute__((warn_unused_result)) bool watched_file_read(struct watched_file *file, struct cert_text *ret_text,
							   char *ret_error, size_t error_size);

#endif
