#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/http/forwarded.h"

/* "Name: value" lines, as a header holds them. */
static struct forwarded read_lines(const char *trusted, const char *const *lines)
{
	static struct proxies proxies;
	struct forwarded f;

	cr_assert(proxies_parse(trusted, &proxies));
	forwarded_begin(&f, &proxies);
	for (; *lines; lines++) {
		const char *colon = strstr(*lines, ": ");
		char name[40];
		enum forwarded_field field;

		cr_assert_not_null(colon);
		snprintf(name, sizeof(name), "%.*s", (int)(colon - *lines), *lines);
		cr_assert(forwarded_names(name, &field), "%s", name);
		(void)forwarded_add(&f, field, colon + 2, strlen(colon + 2));
	}
	return f;
}

struct told {
	const char *label, *lines[4];
	const char *client, *host;
	enum forwarded_scheme scheme;
};

static const char TRUSTED[] = "10.0.0.0/8,2001:db8:ffff::/48,unix";

static const struct told TOLD[] = {
	{.label = "nothing", .client = "", .host = ""},
	{.label = "one hop", .lines = {"X-Forwarded-For: 192.0.2.1"}, .client = "192.0.2.1", .host = ""},
	{.label = "the right-most that is not trusted",
	 .lines = {"X-Forwarded-For: 1.1.1.1, 192.0.2.1, 10.0.0.1,10.2.0.2"},
	 .client = "192.0.2.1",
	 .host = ""},
	{.label = "over several lines",
	 .lines = {"X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 192.0.2.1", "X-FORWARDED-FOR: 10.0.0.1"},
	 .client = "192.0.2.1",
	 .host = ""},
	{.label = "all are trusted: the left-most",
	 .lines = {"X-Forwarded-For: 10.9.9.9, 10.0.0.1"},
	 .client = "10.9.9.9",
	 .host = ""},
	{.label = "a port", .lines = {"X-Forwarded-For: 192.0.2.1:4711"}, .client = "192.0.2.1", .host = ""},
	{.label = "IPv6", .lines = {"X-Forwarded-For: 2001:DB8::1"}, .client = "2001:db8::1", .host = ""},
	{.label = "IPv6 in brackets", .lines = {"X-Forwarded-For: [2001:db8::1]"}, .client = "2001:db8::1", .host = ""},
	{.label = "IPv6 with a port",
	 .lines = {"X-Forwarded-For: [2001:db8::1]:443"},
	 .client = "2001:db8::1",
	 .host = ""},
	{.label = "an IPv4 address that is mapped is itself",
	 .lines = {"X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.1"},
	 .client = "192.0.2.1",
	 .host = ""},
	{.label = "an address that the proxy does not know",
	 .lines = {"X-Forwarded-For: 192.0.2.1, unknown"},
	 .client = "",
	 .host = ""},
	{.label = "one that a proxy behind another does not know is that other's",
	 .lines = {"X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.1, 10.0.0.2"},
	 .client = "10.0.0.1",
	 .host = ""},
	{.label = "scheme and host",
	 .lines = {"X-Forwarded-Proto: https", "X-Forwarded-Host: records.example.org:444"},
	 .client = "",
	 .host = "records.example.org:444",
	 .scheme = FORWARDED_HTTPS},
	{.label = "all three, blanks around",
	 .lines = {"X-Forwarded-Host:  a ", "X-Forwarded-Proto: HTTP\t", "X-Forwarded-For: \t192.0.2.1 "},
	 .client = "192.0.2.1",
	 .host = "a",
	 .scheme = FORWARDED_HTTP},
	{.label = "RFC 7239",
	 .lines = {"Forwarded: for=192.0.2.1;proto=https;host=\"a.example:8443\";by=10.0.0.1"},
	 .client = "192.0.2.1",
	 .host = "a.example:8443",
	 .scheme = FORWARDED_HTTPS},
	{.label = "RFC 7239, scheme and host of the hop that counts",
	 .lines = {"Forwarded: for=1.1.1.1;proto=http;host=evil",
		   "Forwarded: For=192.0.2.1;Proto=HTTPS , for=10.0.0.1;proto=http"},
	 .client = "192.0.2.1",
	 .host = "",
	 .scheme = FORWARDED_HTTPS},
	{.label = "RFC 7239, IPv6 and a port",
	 .lines = {"Forwarded: for=\"[2001:db8:cafe::17]:4711\";ext=\"a \\\" b\""},
	 .client = "2001:db8:cafe::17",
	 .host = ""},
	{.label = "RFC 7239, hidden",
	 .lines = {"Forwarded: for=\"_gazonk:_x\";proto=https"},
	 .client = "",
	 .host = "",
	 .scheme = FORWARDED_HTTPS},
	{.label = "RFC 7239, no address at all",
	 .lines = {"Forwarded: for=1.1.1.1, proto=https"},
	 .client = "",
	 .host = "",
	 .scheme = FORWARDED_HTTPS},
};

Test(forwarded, the_client_is_the_right_most_hop_that_is_not_trusted)
{
	for (size_t i = 0; i < sizeof(TOLD) / sizeof(TOLD[0]); i++) {
		const struct told *told = &TOLD[i];
		const struct forwarded f = read_lines(TRUSTED, told->lines);

		cr_expect(!f.malformed, "%s", told->label);
		cr_expect_str_eq(f.client, told->client, "%s: %s", told->label, f.client);
		cr_expect_str_eq(f.host, told->host, "%s: %s", told->label, f.host);
		cr_expect_eq(f.scheme, told->scheme, "%s", told->label);
	}
}

static const char *const MALFORMED[][3] = {
	{"X-Forwarded-For: "},
	{"X-Forwarded-For: 192.0.2.1,"},
	{"X-Forwarded-For: ,192.0.2.1"},
	{"X-Forwarded-For: 192.0.2.1,,10.0.0.1"},
	{"X-Forwarded-For: example.org"},
	{"X-Forwarded-For: 192.0.2.256"},
	{"X-Forwarded-For: 192.0.2.1 10.0.0.1"},
	{"X-Forwarded-For: 192.0.2.1:"},
	{"X-Forwarded-For: 192.0.2.1:123456"},
	{"X-Forwarded-For: 192.0.2.1:1x"},
	{"X-Forwarded-For: [192.0.2.1]"},
	{"X-Forwarded-For: [unknown]"},
	{"X-Forwarded-For: [2001:db8::1"},
	{"X-Forwarded-For: [2001:db8::1]443"},
	{"X-Forwarded-For: []"},
	{"X-Forwarded-For: ["},
	{"X-Forwarded-For: fe80::1%eth0"},
	{"X-Forwarded-For: junk, 192.0.2.1"},
	{"X-Forwarded-For: _"},
	{"X-Forwarded-Proto: "},
	{"X-Forwarded-Proto: gopher"},
	{"X-Forwarded-Proto: https, http"},
	{"X-Forwarded-Proto: https", "X-Forwarded-Proto: https"},
	{"X-Forwarded-Host: "},
	{"X-Forwarded-Host: a, b"},
	{"X-Forwarded-Host: a/b"},
	{"X-Forwarded-Host: a", "X-Forwarded-Host: a"},
	{"Forwarded: "},
	{"Forwarded: for"},
	{"Forwarded: for="},
	{"Forwarded: =192.0.2.1"},
	{"Forwarded: for=192.0.2.1;"},
	{"Forwarded: for=192.0.2.1,"},
	{"Forwarded: for = 192.0.2.1"},
	{"Forwarded: for=192.0.2.1 proto=http"},
	{"Forwarded: for=192.0.2.1;for=192.0.2.1"},
	{"Forwarded: for=192.0.2.1;proto=http;Proto=https"},
	{"Forwarded: for=2001:db8::1"},
	{"Forwarded: for=\"2001:db8::1\""},
	{"Forwarded: for=\"192.0.2.1"},
	{"Forwarded: for=\"192.0.2.1\\"},
	{"Forwarded: for=192.0.2.1;proto=ftp"},
	{"Forwarded: for=192.0.2.1;host=\"a, b\""},
	{"Forwarded: for=192.0.2.1;by=nobody"},
	{"Forwarded: for=192.0.2.1", "X-Forwarded-For: 192.0.2.1"},
	{"X-Forwarded-Proto: https", "Forwarded: for=192.0.2.1"},
};

Test(forwarded, what_is_malformed_is_refused_and_stays_so)
{
	for (size_t i = 0; i < sizeof(MALFORMED) / sizeof(MALFORMED[0]); i++) {
		const char *lines[4] = {MALFORMED[i][0], MALFORMED[i][1]};

		cr_expect(read_lines(TRUSTED, lines).malformed, "%s", lines[0]);
	}
	cr_expect(read_lines(TRUSTED, (const char *const[]){"X-Forwarded-For: x", "X-Forwarded-For: 192.0.2.1", NULL})
			  .malformed);
}

Test(forwarded, a_host_as_long_as_may_be_is_taken_and_a_longer_one_refused)
{
	char line[FORWARDED_HOST_MAX + 40] = "X-Forwarded-Host: ";
	const size_t head = strlen(line);
	const char *const lines[] = {line, NULL};

	memset(line + head, 'a', FORWARDED_HOST_MAX);
	cr_expect(!read_lines("", lines).malformed);
	line[head + FORWARDED_HOST_MAX] = 'a';
	cr_expect(read_lines("", lines).malformed);
	memcpy(line, "Forwarded: host=xx", head);
	cr_expect(read_lines("", lines).malformed);
}

Test(forwarded, other_names_are_none_of_it)
{
	enum forwarded_field field;

	cr_expect(!forwarded_names("X-Forwarded", &field));
	cr_expect(!forwarded_names("X-Forwarded-Port", &field));
	cr_expect(!forwarded_names("X-Real-IP", &field));
}
