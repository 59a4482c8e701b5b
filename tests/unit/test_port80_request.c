#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/http/port80_request.h"

static const struct port80_name NAMES[] = {
	{.host = "clinic.example.org", .origin = "https://clinic.example.org"},
	{.host = "localhost", .origin = "https://localhost:8443"},
	{.host = "2001:db8::1", .origin = "https://[2001:db8::1]:8443"},
	{.host = "192.0.2.7", .origin = "https://192.0.2.7:8443"},
};
static const char TOKEN[] = "A-token_9";
static const time_t NOW = 1700000000;

/* *arg counts the questions. */
static bool prove(void *arg, const char *token, char ret_proof[static PORT80_PROOF_MAX])
{
	++*(int *)arg;
	if (strcmp(token, TOKEN) != 0)
		return false;
	strcpy(ret_proof, "A-token_9.thumbprint");
	return true;
}

static int asked;
static const struct port80_site SITE = {
	.names = NAMES, .count = sizeof(NAMES) / sizeof(NAMES[0]), .proof = prove, .arg = &asked};

static char answer[PORT80_ANSWER_MAX + 1];

static const char *ask(const char *request, size_t size)
{
	const size_t answer_size = port80_answer(&SITE, request, size, 0, NOW, answer);

	answer[answer_size] = '\0';
	return answer_size > 0 ? answer : NULL;
}

static int status_of(const char *request)
{
	const char *text = ask(request, strlen(request));
	int status = 0;

	if (text)
		cr_assert_eq(sscanf(text, "HTTP/1.1 %d ", &status), 1);
	return status;
}

static void expect(const char *request, int status)
{
	cr_expect_eq(status_of(request), status, "%d instead of %d for %s", status_of(request), status, request);
}

#define HOST "Host: clinic.example.org\r\n"

Test(port80_request, a_redirect_is_to_our_own_origin_and_the_target_that_was_asked_for)
{
	static const struct {
		const char *target, *host, *location;
	} CASES[] = {
		{"/", "clinic.example.org", "https://clinic.example.org/"},
		{"/a/b%20c?d=e&f", "Clinic.EXAMPLE.org", "https://clinic.example.org/a/b%20c?d=e&f"},
		{"/", "clinic.example.org:8080", "https://clinic.example.org/"},
		{"//other.example/x", "clinic.example.org", "https://clinic.example.org//other.example/x"},
		{"/@other.example", "clinic.example.org", "https://clinic.example.org/@other.example"},
		{"/", "localhost", "https://localhost:8443/"},
		{"/", "[2001:db8::1]", "https://[2001:db8::1]:8443/"},
		{"/", "[2001:DB8::1]:80", "https://[2001:db8::1]:8443/"},
		{"/", "192.0.2.7:1", "https://192.0.2.7:8443/"},
	};
	char request[512], want[512];

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", CASES[i].target,
			 CASES[i].host);
		snprintf(want, sizeof(want), "\r\nLocation: %s\r\n", CASES[i].location);
		expect(request, 301);
		cr_expect(strstr(answer, want), "%s\n%s", request, answer);
	}
}

Test(port80_request, a_host_that_is_none_of_ours_is_sent_nowhere)
{
	static const char *const HOSTS[] = {
		"other.example",      "clinic.example.org.", "clinic.example.org.other.example",
		"linic.example.org",  "2001:db8::1.example", "[2001:db8::2]",
		"[::ffff:192.0.2.7]",
	};
	char request[512];

	for (size_t i = 0; i < sizeof(HOSTS) / sizeof(HOSTS[0]); i++) {
		const char *colons = strchr(HOSTS[i], ':');

		snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", HOSTS[i]);
		expect(request, colons && HOSTS[i][0] != '[' ? 400 : 421);
		cr_expect_null(strstr(answer, "Location"));
		snprintf(request, sizeof(request), "GET /.well-known/acme-challenge/%s HTTP/1.1\r\nHost: %s\r\n\r\n",
			 TOKEN, HOSTS[i]);
		expect(request, colons && HOSTS[i][0] != '[' ? 400 : 421);
	}
	cr_expect_eq(asked, 0);
}

Test(port80_request, hosts_that_are_none_are_refused)
{
	static const char *const HOSTS[] = {
		"",
		":80",
		"clinic.example.org:",
		"clinic.example.org:080000",
		"clinic.example.org:8x",
		"clinic.example.org:80:80",
		"user@clinic.example.org",
		"clinic.example.org/",
		"clinic.example.org@other.example",
		"clinic.example.org other.example",
		"clinic.example.org, other.example",
		"clinic.example.org\tx",
		"2001:db8::1",
		"[2001:db8::1",
		"[2001:db8::1]x",
		"[2001:db8::1]80",
		"[]",
		"[clinic.example.org]",
		"clinic.example.org#",
		"clinic.example.org?",
		"clinic.example.org\\.other.example",
		"%63linic.example.org",
	};
	char request[512];

	for (size_t i = 0; i < sizeof(HOSTS) / sizeof(HOSTS[0]); i++) {
		snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", HOSTS[i]);
		expect(request, 400);
		cr_expect_null(strstr(answer, "Location"));
	}
	expect("GET / HTTP/1.1\r\n\r\n", 400);
	expect("GET / HTTP/1.0\r\n\r\n", 400);
	expect("GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400);
	expect("GET / HTTP/1.1\r\n" HOST "Host: other.example\r\n\r\n", 400);
}

Test(port80_request, a_challenge_is_answered_by_its_proof_alone)
{
	const char *body;

	expect("GET /.well-known/acme-challenge/A-token_9 HTTP/1.1\r\n" HOST "\r\n", 200);
	cr_expect(strstr(answer, "\r\nContent-Type: application/octet-stream\r\n"));
	cr_expect(strstr(answer, "\r\nContent-Length: 20\r\n"));
	body = strstr(answer, "\r\n\r\n");
	cr_assert(body);
	cr_expect_str_eq(body + 4, "A-token_9.thumbprint");
	expect("HEAD /.well-known/acme-challenge/A-token_9 HTTP/1.1\r\n" HOST "\r\n", 200);
	body = strstr(answer, "\r\n\r\n");
	cr_assert(body);
	cr_expect_str_eq(body + 4, "");
	cr_expect(strstr(answer, "\r\nContent-Length: 20\r\n"));
	cr_expect_eq(asked, 2);
	expect("GET /.well-known/acme-challenge/other HTTP/1.1\r\n" HOST "\r\n", 404);
	cr_expect_null(strstr(answer, "Location"));
	cr_expect_eq(asked, 3);
}

Test(port80_request, only_tokens_are_asked_for)
{
	static const char *const TOKENS[] = {"",
					     "..",
					     "../../keys/store.key",
					     "a/b",
					     "a.b",
					     "A-token_9/",
					     "A-token_9?x",
					     "%41-token_9",
					     "A-token_9%00",
					     "%2e%2e%2f",
					     "~",
					     "a+b",
					     "a="};
	char request[512], longest[PORT80_TOKEN_MAX + 2];

	for (size_t i = 0; i < sizeof(TOKENS) / sizeof(TOKENS[0]); i++) {
		snprintf(request, sizeof(request), "GET /.well-known/acme-challenge/%s HTTP/1.1\r\n" HOST "\r\n",
			 TOKENS[i]);
		expect(request, 404);
	}
	cr_expect_eq(asked, 0);
	for (size_t size = PORT80_TOKEN_MAX; size <= PORT80_TOKEN_MAX + 1; size++) {
		memset(longest, 'a', size);
		longest[size] = '\0';
		snprintf(request, sizeof(request), "GET /.well-known/acme-challenge/%s HTTP/1.1\r\n" HOST "\r\n",
			 longest);
		expect(request, 404);
		cr_expect_eq(asked, 1);
	}
}

Test(port80_request, credentials_in_clear_are_not_sent_on)
{
	expect("GET /v1/records HTTP/1.1\r\n" HOST "Authorization: Bearer x\r\n\r\n", 403);
	cr_expect_null(strstr(answer, "Location"));
}

Test(port80_request, other_methods_are_told_which_there_are)
{
	static const char *const METHODS[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "PRI"};
	char request[128];

	for (size_t i = 0; i < sizeof(METHODS) / sizeof(METHODS[0]); i++) {
		snprintf(request, sizeof(request), "%s / HTTP/1.1\r\n" HOST "\r\n", METHODS[i]);
		expect(request, 405);
		cr_expect(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
		cr_expect_null(strstr(answer, "Location"));
	}
	expect("CONNECT other.example:443 HTTP/1.1\r\n" HOST "\r\n", 405);
	expect("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405);
}

Test(port80_request, what_is_malformed_is_refused)
{
	static const char *const REQUESTS[] = {
		"GET http://clinic.example.org/ HTTP/1.1\r\n" HOST "\r\n",
		"GET https://other.example/ HTTP/1.1\r\n" HOST "\r\n",
		"GET * HTTP/1.1\r\n" HOST "\r\n",
		"GET clinic.example.org HTTP/1.1\r\n" HOST "\r\n",
		"GET  / HTTP/1.1\r\n" HOST "\r\n",
		"GET /  HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1 \r\n" HOST "\r\n",
		" GET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / \r\n" HOST "\r\n",
		"GET /\r\n" HOST "\r\n",
		"GET / HTTP/11\r\n" HOST "\r\n",
		"GET / http/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "\tA: b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : clinic.example.org\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		"GET /a<b HTTP/1.1\r\n" HOST "\r\n",
		"GET /a\"b HTTP/1.1\r\n" HOST "\r\n",
		"GET /a#b HTTP/1.1\r\n" HOST "\r\n",
		"GET /a\\b HTTP/1.1\r\n" HOST "\r\n",
		"GET /% HTTP/1.1\r\n" HOST "\r\n",
		"GET /%4 HTTP/1.1\r\n" HOST "\r\n",
		"GET /%4g HTTP/1.1\r\n" HOST "\r\n",
		"\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\n" HOST "\r\n",
		"GET / HTTP/1.1\rX: y\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: \x80\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: \x1b[2J\r\n\r\n",
		"GET /\x7f HTTP/1.1\r\n" HOST "\r\n",
		"\x16\x03\x01",
		"\n",
	};
	const char nul[] = "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n";

	for (size_t i = 0; i < sizeof(REQUESTS) / sizeof(REQUESTS[0]); i++) {
		expect(REQUESTS[i], 400);
		cr_expect_null(strstr(answer, "Location"));
	}
	cr_expect_not_null(ask(nul, sizeof(nul) - 1));
	cr_expect_eq(memcmp(answer, "HTTP/1.1 400 ", 13), 0);
	expect("GET / HTTP/1.2\r\n" HOST "\r\n", 505);
	expect("GET / HTTP/2.0\r\n" HOST "\r\n", 505);
	expect("GET / HTTP/1.0\r\n" HOST "\r\n", 301);
	expect("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 301);
}

Test(port80_request, more_is_waited_for_until_the_head_is_whole)
{
	static const char REQUEST[] = "GET /a HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\nmore";
	const size_t whole = sizeof(REQUEST) - 1 - 4;

	for (size_t size = 0; size < whole; size++)
		cr_expect_eq(port80_answer(&SITE, REQUEST, size, size > 0 ? size - 1 : 0, NOW, answer), 0, "%zu", size);
	for (size_t seen = 0; seen < whole; seen++)
		cr_expect_gt(port80_answer(&SITE, REQUEST, sizeof(REQUEST) - 1, seen, NOW, answer), 0, "%zu", seen);
}

Test(port80_request, the_longest_head_is_answered_and_a_longer_one_refused)
{
	static char request[PORT80_HEAD_MAX + 2];
	const char *const tail = " HTTP/1.1\r\n" HOST "\r\n";

	for (size_t size = PORT80_HEAD_MAX; size <= PORT80_HEAD_MAX + 1; size++) {
		memset(request, 'a', size);
		memcpy(request, "GET /", 5);
		memcpy(request + size - strlen(tail), tail, strlen(tail) + 1);
		expect(request, size == PORT80_HEAD_MAX ? 301 : 431);
		cr_expect(strstr(answer, "\r\n\r\n"));
	}
	request[PORT80_HEAD_MAX] = '\0';
	memset(request + 5, 'a', PORT80_HEAD_MAX - 5);
	expect(request, 431);
	request[PORT80_HEAD_MAX - 1] = '\0';
	expect(request, 0);
}

Test(port80_request, an_answer_has_a_date_and_no_hsts_and_ends_the_connection)
{
	expect("GET / HTTP/1.1\r\n" HOST "\r\n", 301);
	cr_expect(strstr(answer, "\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
	cr_expect(strstr(answer, "\r\nConnection: close\r\n"));
	cr_expect(strstr(answer, "\r\nCache-Control: no-store\r\n"));
	cr_expect_null(strstr(answer, "Strict-Transport-Security"));
}
