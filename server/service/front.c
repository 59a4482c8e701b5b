#include "server/service/front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/listen_error.h"

bool front_has_tls(const struct settings *settings)
{
	return strcmp(settings->listen, "off") != 0;
}

bool front_check(const struct settings *settings, char *ret_error, size_t size)
{
	const struct {
		bool given;
		const char *fault;
	} faults[] = {
		{!settings->http[0],
		 "--listen off leaves nowhere to listen: --http says where a proxy finds the service"},
		{settings->client_ca[0],
		 "--client-ca is of no use with --listen off: client certificates do not pass a proxy"},
		{settings->domain[0], "--domain is of no use with --listen off: the proxy has the certificate"},
		{strcmp(settings->http_redirect, "off") != 0,
		 "--http-redirect is of no use with --listen off: the proxy sends clients on to https"},
	};

	if (settings->domain[0] && settings->tls_cert[0]) {
		snprintf(ret_error, size,
			 "--domain and --tls-cert are two ways to a certificate: leave one of them out");
		return false;
	}
	for (size_t i = 0; !front_has_tls(settings) && i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (!faults[i].given)
			continue;
		snprintf(ret_error, size, "%s", faults[i].fault);
		return false;
	}
	return true;
}

bool front_start(const struct settings *settings, struct tls_context *tls, const struct http_app *app, int access_log,
		 struct http_server **ret_server, char *ret_error, size_t size)
{
	const struct http_options options = {
		.listen = front_has_tls(settings) ? settings->listen : NULL,
		.plain = settings->http[0] ? settings->http : NULL,
		.plain_mode = (unsigned)strtoul(settings->http_mode, NULL, 8),
		.trusted_proxies = settings->trusted_proxy,
		.loops = settings->loops,
		.tls = tls,
		.app = app,
		.access_log = access_log,
		.limits = {.body = settings->max_record_size,
			   .connections = settings->max_connections,
			   .connections_per_address = settings->max_connections_per_address,
			   .hello_ms = (unsigned)settings->hello_timeout,
			   .handshake_ms = (unsigned)settings->handshake_timeout,
			   .header_ms = (unsigned)settings->header_timeout,
			   .idle_ms = (unsigned)settings->idle_timeout,
			   .drain_ms = (unsigned)settings->drain_timeout,
			   .body_rate = settings->body_rate,
			   .response_rate = settings->response_rate,
			   .rate_ms = (unsigned)settings->rate_window},
	};
	const char *culprit = NULL;
	const enum http_status status = http_server_start(&options, ret_server, &culprit);

	if (status == HTTP_OK)
		return true;
	if (!culprit)
		snprintf(ret_error, size, "cannot start the event loops: %s", strerror(errno));
	else
		listen_error(status, culprit, culprit == options.listen ? "--listen" : "--http", ret_error, size);
	return false;
}
