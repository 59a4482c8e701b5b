/* Under which names this server is reached: what its certificate of the local CA is made for. */
#ifndef COFFER_SERVICE_CERT_NAMES_H
#define COFFER_SERVICE_CERT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct cert_names {
	char *text, *domain; /* what `names` and `others` point into */
	const char **names;
	size_t count;
	const char **others;
	size_t other_count;
};

/*
 * The machine's host name; the address of `listen` (ADDRESS:PORT) unless it stands for all; and those of `list`, with
 * commas between, as --host-name has them. Each once, and none of `domain`, likewise a list, which become the others.
 * False when memory runs out. cert_names_done() frees.
 */
__attribute__((warn_unused_result)) bool cert_names_init(struct cert_names *ret_names, const char *listen,
							 const char *list, const char *domain);
void cert_names_done(struct cert_names *names);

/* Whether the address of `listen` stands for every address of the machine: 0.0.0.0 or [::]. */
bool cert_names_all_addresses(const char *listen);

#endif
