/* Who is asking: the bearer token of the request, or the certificate of the connection, in this order. */
#include <string.h>
#include <strings.h>

#include "server/api/call.h"
#include "server/core/certificate.h"
#include "server/core/rates.h"
#include "server/tls/client.h"

static const char SCHEME[] = "Bearer ";

/* Refuses, and counts the failure. A row that does not verify is nobody's. */
static void refuse(struct call *call, enum core_status status, const char *detail)
{
	if (status == CORE_DAMAGED)
		call_alarm(call, "token or account row");
	if (status != CORE_DENIED && status != CORE_DAMAGED) {
		call_refuse(call, status);
		return;
	}
	if (detail)
		http_problem(call->x, PROBLEM_UNAUTHORIZED, "%s", detail);
	else
		http_problem(call->x, PROBLEM_UNAUTHORIZED, NULL);
	call->refused = true;
}

static bool by_token(struct call *call, const char *value, size_t count)
{
	enum core_status status = CORE_DENIED;

	if (count == 1 && strncasecmp(value, SCHEME, sizeof(SCHEME) - 1) == 0)
		status = account_authenticate(call->api->options.vault, call_reading_view(call),
					      value + sizeof(SCHEME) - 1, &call->principal);
	if (status == CORE_OK)
		return true;
	if (status == CORE_DENIED || status == CORE_DAMAGED)
		call_failed(call);
	refuse(call, status, NULL);
	return false;
}

static const char *fault_of(enum tls_client_state state)
{
	switch (state) {
	case TLS_CLIENT_UNTRUSTED:
		return "the client certificate is not for clients, or of no CA that is trusted here (--client-ca)";
	case TLS_CLIENT_EXPIRED:
		return "the client certificate has expired, or is not valid yet";
	case TLS_CLIENT_REVOKED:
		return "the client certificate was revoked, or the list of those (--client-crl) is out of date";
	case TLS_CLIENT_UNKNOWN:
	case TLS_CLIENT_NONE:
	case TLS_CLIENT_GOOD:
		break;
	}
	return NULL;
}

static bool by_certificate(struct call *call)
{
	const struct tls_client *client = http_client(call->x);
	const char *names[TLS_CLIENT_NAMES_MAX];
	enum core_status status = CORE_DENIED;

	if (client->state == TLS_CLIENT_GOOD) {
		for (size_t i = 0; i < client->count; i++)
			names[i] = client->names[i];
		status = certificate_authenticate(call->api->options.vault, call_view(call), names, client->count,
						  client->fingerprint, &call->principal);
	}
	if (status == CORE_OK)
		return true;
	if (client->state != TLS_CLIENT_NONE && (status == CORE_DENIED || status == CORE_DAMAGED))
		call_failed(call);
	refuse(call, status,
	       client->state == TLS_CLIENT_GOOD ? "the client certificate does not name one account that is active here"
						: fault_of(client->state));
	return false;
}

/*
 * A browser shows its certificate whoever makes it ask, and tells on whose behalf it does: Origin beside every method
 * but GET and HEAD, the newer ones Sec-Fetch-Site too. What is no browser tells neither.
 */
static bool is_of_another_site(struct call *call)
{
	static const char HTTPS[] = "https://";
	const char *site = http_header(call->x, "Sec-Fetch-Site", NULL);
	const char *origin = http_header(call->x, "Origin", NULL), *host = http_host(call->x);

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return true;
	return origin && !(host && strncmp(origin, HTTPS, sizeof(HTTPS) - 1) == 0 &&
			   strcasecmp(origin + sizeof(HTTPS) - 1, host) == 0);
}

void call_authenticate(struct call *call)
{
	size_t count = 0;
	const char *value = http_header(call->x, "Authorization", &count);
	const unsigned scope = http_route(call->x)->scope;
	const unsigned wait = rates_look(call->api->failures, http_peer(call->x));

	if (wait > 0) {
		call_refuse_rate(call, wait);
		return;
	}
	if (value ? !by_token(call, value, count) : !by_certificate(call))
		return;
	memcpy(call->event.account_id, call->principal.account_id, sizeof(call->event.account_id));
	memcpy(call->event.token_id, call->principal.token_id, sizeof(call->event.token_id));
	if (!value && strcmp(http_route(call->x)->method, "GET") != 0 && is_of_another_site(call)) {
		http_problem(call->x, PROBLEM_FORBIDDEN, "a page of another site has made the browser ask for this");
		call->refused = true;
		return;
	}
	if (scope && !(call->principal.scopes & scope)) {
		http_problem(call->x, PROBLEM_FORBIDDEN, NULL);
		call->refused = true;
		return;
	}
	call_emergency(call);
}
