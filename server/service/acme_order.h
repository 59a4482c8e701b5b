/* One order of a certificate, by running Debian's uacme: the account first, where there is none yet. */
#ifndef COFFER_SERVICE_ACME_ORDER_H
#define COFFER_SERVICE_ACME_ORDER_H

#include <stdint.h>

#include "server/service/acme_files.h"

struct acme_order {
	const struct acme_files *files;
	const char *url;   /* of the CA's directory */
	const char *email; /* "": none */
	const char *const *domains;
	size_t count;
	int64_t limit_ms; /* for each run of the client */
	int stop_fd;	  /* readable: it is given up */
	void (*log)(const char *line);
};

enum acme_order_end { ACME_ORDER_ISSUED, ACME_ORDER_FAILED, ACME_ORDER_STOPPED };

/* Whether there is a client: the first uacme on PATH. ret_path: PATH_MAX bytes. */
bool acme_order_find_client(char *ret_path);
/* What to tell where there is none. */
extern const char ACME_ORDER_NO_CLIENT[];

/* Leaves the pair in the files. FAILED: the error is told in a line. Each line of the client goes to the log. */
enum acme_order_end acme_order_run(const struct acme_order *order, char *ret_error, size_t error_size);

#endif
