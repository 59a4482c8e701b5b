#include "server/service/greeting.h"

#include <stdbool.h>
#include <string.h>

#include "server/service/cert_names.h"
#include "server/service/server_url.h"

/* As one word of a POSIX shell: a quote ends the quoted text, stands escaped, and begins it again. */
static void put_quoted(FILE *out, const char *before, const char *text, const char *after)
{
	const char *const parts[] = {before, text, after};

	fputc('\'', out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *at = parts[i]; *at != '\0'; at++)
			if (*at == '\'')
				fputs("'\\''", out);
			else
				fputc(*at, out);
	fputc('\'', out);
}

/* A server's address as curl takes it. */
struct place {
	char url[SERVER_URL_MAX];
	const char *path;    /* of a Unix socket; NULL: none */
	const char *trusted; /* a file of what vouches for it; NULL: what admin.curl says */
};

static void put_curl(FILE *out, const struct greeting *greeting, const struct place *place, const char *options)
{
	fputs("curl -K ", out);
	put_quoted(out, "", greeting->data, "/admin.curl");
	if (place->path) {
		fputs(" --unix-socket ", out);
		put_quoted(out, "", place->path, "");
	}
	if (place->trusted) {
		fputs(" --cacert ", out);
		put_quoted(out, "", place->trusted, "");
	}
	fprintf(out, " %s'%s/v1/records'\n", options, place->url);
}

static struct place tls_place(const struct greeting *greeting)
{
	const char *colon = strrchr(greeting->listen, ':');
	/* Whatever CA it is: a certificate that is trusted by itself needs none. */
	struct place place = {.trusted = greeting->fingerprint ? NULL : greeting->chain};

	if (place.trusted && greeting->name[0] && greeting->name[0] != '*')
		snprintf(place.url, sizeof(place.url), "https://%s:%u", greeting->name, greeting->port);
	else if (cert_names_all_addresses(greeting->listen)) /* the certificate names none that stands for all */
		snprintf(place.url, sizeof(place.url), "https://localhost:%u", greeting->port);
	else
		snprintf(place.url, sizeof(place.url), "https://%.*s:%u", colon ? (int)(colon - greeting->listen) : 0,
			 greeting->listen, greeting->port);
	return place;
}

static struct place plain_place(const struct greeting *greeting)
{
	static const char UNIX[] = "unix:";
	struct place place = {.path = NULL};

	server_url_make("http", greeting->http, greeting->http_port, place.url);
	if (strncmp(greeting->http, UNIX, sizeof(UNIX) - 1) == 0) {
		place.path = greeting->http + sizeof(UNIX) - 1;
		strcpy(place.url, "http://localhost");
	}
	return place;
}

void greeting_print(const struct greeting *greeting, FILE *out)
{
	const bool has_tls = strcmp(greeting->listen, "off") != 0;
	const struct place plain = plain_place(greeting), main = has_tls ? tls_place(greeting) : plain;

	if (has_tls)
		fprintf(out, "coffer is ready at %s\n", main.url);
	if (main.trusted)
		fprintf(out, "Certificate %s for %s\n", main.trusted, greeting->name);
	else if (has_tls)
		fprintf(out, "CA %s/tls/ca.pem, SHA-256 %s\n", greeting->data, greeting->fingerprint);
	if (greeting->http[0])
		fprintf(out, "coffer is ready for a proxy at %s\n", plain.path ? greeting->http : plain.url);
	fprintf(out, "%s\n", greeting->protection);
	if (greeting->metrics_port)
		fprintf(out, "Port %u tells metrics to programs of this machine\n", greeting->metrics_port);
	if (greeting->origin)
		fprintf(out, "Clients reach it at %s, whose certificate comes by ACME\n", greeting->origin);
	if (greeting->plain_port)
		fprintf(out, "Port %u sends plain HTTP on to https\n", greeting->plain_port);
	put_curl(out, greeting, &main, "-H 'Content-Type: application/json' --data-binary '{\"hello\":\"world\"}' ");
	put_curl(out, greeting, &main, "");
}
