#include "server/cli/server_place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool speaks_tls(const char *url)
{
	return strncmp(url, "https://", 8) == 0;
}

void server_place_find(const char *data, const char *given_url, const char *given_ca, struct server_place *ret_place,
		       struct client_options *options)
{
	struct server_place *place = ret_place;
	bool named;

	server_url_find(data, &place->found);
	named = place->found.origin[0] != '\0';
	snprintf(place->ca, sizeof(place->ca), "%s/tls/ca.pem", data);
	options->url = given_url ? given_url : named ? place->found.origin : place->found.dial;
	options->dial = !given_url && named && speaks_tls(place->found.dial) ? place->found.dial : NULL;
	options->ca_file = given_ca ? given_ca : access(place->ca, R_OK) == 0 ? place->ca : NULL;
	options->system_cas = !given_ca && (given_url || named);
}
