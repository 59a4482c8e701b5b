/* The browser page, server/web, as it is served. The build generates the definition. */
#ifndef COFFER_API_WEB_FILES_H
#define COFFER_API_WEB_FILES_H

#include <stddef.h>

struct web_file {
	const char *name; /* "index.html", "lib/eax.js" */
	const char *media_type;
	const char *tag; /* of its content, for an ETag */
	const unsigned char *bytes;
	size_t size;
};

extern const struct web_file WEB_FILES[];
extern const size_t WEB_FILE_COUNT;

#endif
