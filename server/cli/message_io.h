/* Messages in and out of the tool: whole, from and to files and pipes, and never half a plaintext. */
#ifndef COFFER_CLI_MESSAGE_IO_H
#define COFFER_CLI_MESSAGE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_IO_LIMIT_MIB = 1024 }; /* the standard limit, in MiB, of what is read */

/* Bytes in pages of their own, left out of core dumps and wiped when given back. All zeros is none. */
struct message_io {
	uint8_t *bytes; /* `front` bytes of room, then what was read */
	size_t size;	/* of what was read */
	size_t front;
	size_t reserved; /* of the pages */
};

/* "N" MiB in [1, 65536], or the standard when `text` is NULL; false with a line in ret_error. */
bool message_io_limit(const char *text, size_t *ret_limit, char *ret_error, size_t error_size);

/*
 * All of the file, or of standard input when path is NULL or "-". front: bytes to leave free before it. False, with one
 * line in ret_error, when it cannot be read or holds more than `limit` bytes.
 */
bool message_io_read(const char *path, size_t front, size_t limit, struct message_io *ret_io, char *ret_error,
		     size_t error_size);

/*
 * Writes a file through a temporary one beside it (0600), which takes its place at the end; standard output when path
 * is NULL or "-"; what is there and no regular file (a pipe, a device) is written to. False with one line in ret_error.
 */
bool message_io_write(const char *path, const void *bytes, size_t size, char *ret_error, size_t error_size);

/* Whether message_io_write() would write to a terminal. */
bool message_io_is_terminal(const char *path);

/* Writes a file that is not there yet: fails when it is. Other errors leave nothing behind. */
bool message_io_create(const char *path, unsigned mode, const void *bytes, size_t size, char *ret_error,
		       size_t error_size);

/* Wipes; all zeros is accepted. */
void message_io_done(struct message_io *io);

#endif
