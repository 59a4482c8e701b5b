#include "server/cli/greeting.h"

#include <string.h>

#include "server/cli/cert_names.h"

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

static void put_curl(FILE *out, const struct greeting *greeting, const char *options, const char *url)
{
	fputs("curl -K ", out);
	put_quoted(out, "", greeting->data, "/admin.curl");
	fprintf(out, " %s'%s/v1/records'\n", options, url);
}

void greeting_print(const struct greeting *greeting, FILE *out)
{
	const char *colon = strrchr(greeting->listen, ':');
	char url[300];

	/* The certificate names no address that stands for all. */
	if (cert_names_all_addresses(greeting->listen))
		snprintf(url, sizeof(url), "https://localhost:%u", greeting->port);
	else
		snprintf(url, sizeof(url), "https://%.*s:%u", colon ? (int)(colon - greeting->listen) : 0,
			 greeting->listen, greeting->port);
	fprintf(out,
		"coffer is ready at %s\n"
		"CA %s/tls/ca.pem, SHA-256 %s\n"
		"%s\n",
		url, greeting->data, greeting->fingerprint, greeting->protection);
	if (greeting->plain_port)
		fprintf(out, "Port %u sends plain HTTP on to https\n", greeting->plain_port);
	put_curl(out, greeting, "-H 'Content-Type: application/json' --data-binary '{\"hello\":\"world\"}' ", url);
	put_curl(out, greeting, "", url);
}
