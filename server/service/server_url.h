/*
 * Where the server of a data directory is: it writes that to DIR/server.url when it starts, and takes it away when it
 * stops, so that commands beside it find it whatever port, address and certificate it has. The file has one line or
 * two: where to dial (https://, or where only a proxy is served http:// or unix:/PATH), and the origin that clients
 * know the server by, when the certificate there is not the local CA's for that address.
 */
#ifndef COFFER_SERVICE_SERVER_URL_H
#define COFFER_SERVICE_SERVER_URL_H

#include <stdbool.h>
#include <stddef.h>

struct home;

enum { SERVER_URL_MAX = 300 };

struct server_url {
	char dial[SERVER_URL_MAX];
	char origin[SERVER_URL_MAX]; /* "https://HOST[:PORT]", or empty */
};

/*
 * listen: ADDRESS:PORT of the settings, or unix:/PATH; port: the one in use. An address that stands for all becomes
 * loopback's. scheme: "https" or "http".
 */
void server_url_make(const char *scheme, const char *listen, unsigned port, char ret_dial[static SERVER_URL_MAX]);
/* False with a line in ret_error. */
bool server_url_write(struct home *home, const struct server_url *url, char *ret_error, size_t error_size);
void server_url_remove(const struct home *home);

/* What DIR/server.url says; else https:// and COFFER_LISTEN; else https://127.0.0.1:8443. */
void server_url_find(const char *data, struct server_url *ret_url);

#endif
