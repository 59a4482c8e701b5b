/*
 * Where the server of a data directory listens: it writes that to DIR/server.url when it starts, and takes it away when
 * it stops, so that commands beside it find it whatever port and address it has.
 */
#ifndef COFFER_CLI_SERVER_URL_H
#define COFFER_CLI_SERVER_URL_H

#include <stdbool.h>
#include <stdint.h>

struct home;

enum { SERVER_URL_MAX = 300 };

/* `listen`: ADDRESS:PORT of the settings, `port` the one in use. An address that stands for all becomes loopback's. */
void server_url_make(const char *listen, unsigned port, char ret_url[static SERVER_URL_MAX]);
/* False with a line in ret_error. */
bool server_url_write(struct home *home, const char *listen, uint16_t port, char *ret_error, unsigned long error_size);
void server_url_remove(const struct home *home);

/* What DIR/server.url says; else https:// and COFFER_LISTEN; else https://127.0.0.1:8443. */
void server_url_find(const char *data, char ret_url[static SERVER_URL_MAX]);

#endif
