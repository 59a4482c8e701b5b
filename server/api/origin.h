/*
 * The server's own origins: what clients name in what they sign and open (FORMATS §5). They come from the settings;
 * the request's Host only chooses among them.
 */
#ifndef COFFER_API_ORIGIN_H
#define COFFER_API_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "server/api/call.h"
#include "server/core/directory.h"

/*
 * The origin whose authority is that of `host`, a Host header's value. `port`: the one that is listened on, for host
 * names. False: it is none of ours.
 */
bool origin_find(const struct origins *origins, const char *host, uint16_t port,
		 char ret_origin[static DIRECTORY_ORIGIN_MAX + 1]);
/* That of a call; false has set the 421. */
bool call_origin(struct call *call, char ret_origin[static DIRECTORY_ORIGIN_MAX + 1]);

#endif
