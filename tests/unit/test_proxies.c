#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/http/proxies.h"

static struct address address_of(const char *text)
{
	struct address address;

	cr_assert(address_parse(text, strlen(text), &address), "%s", text);
	return address;
}

static bool has(const char *list, const char *text)
{
	const struct address address = address_of(text);
	struct proxies proxies;

	cr_assert(proxies_parse(list, &proxies), "%s", list);
	return proxies_have(&proxies, &address);
}

Test(proxies, addresses_and_networks)
{
	cr_expect(!has("", "127.0.0.1"));
	cr_expect(has("127.0.0.1", "127.0.0.1"));
	cr_expect(!has("127.0.0.1", "127.0.0.2"));
	cr_expect(has("::1,127.0.0.1,unix", "127.0.0.1"));
	cr_expect(has("10.0.0.0/8", "10.255.0.1"));
	cr_expect(!has("10.0.0.0/8", "11.0.0.1"));
	cr_expect(has("10.4.0.0/14", "10.7.255.255"));
	cr_expect(!has("10.4.0.0/14", "10.8.0.0"));
	cr_expect(has("10.0.0.4/31", "10.0.0.5"));
	cr_expect(!has("10.0.0.4/31", "10.0.0.6"));
	cr_expect(has("2001:db8::/33", "2001:db8:7fff::1"));
	cr_expect(!has("2001:db8::/33", "2001:db8:8000::1"));
}

Test(proxies, the_whole_of_ipv4_is_not_the_whole_of_ipv6)
{
	cr_expect(has("0.0.0.0/0", "192.0.2.1"));
	cr_expect(has("0.0.0.0/0", "::ffff:192.0.2.1"));
	cr_expect(!has("0.0.0.0/0", "2001:db8::1"));
	cr_expect(has("::/0", "192.0.2.1"));
	cr_expect(has("::/0", "2001:db8::1"));
}

Test(proxies, lists_that_are_malformed_are_refused)
{
	static const char *const LISTS[] = {",",
					    "127.0.0.1,",
					    ",127.0.0.1",
					    "127.0.0.1, ::1",
					    "localhost",
					    "127.0.0.1/",
					    "127.0.0.1/33",
					    "::1/129",
					    "127.0.0.1/-1",
					    "10.0.0.1/8",
					    "127.0.0.1/08",
					    "127.0.0.1/032",
					    "[::1]",
					    "127.0.0.1:80",
					    "UNIX",
					    "unix:/x",
					    "127.0.0.1/8/8",
					    "11.0.0.0/7",
					    "2001:db8::1/64",
					    "::1%lo"};
	struct proxies proxies;

	for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++)
		cr_expect(!proxies_parse(LISTS[i], &proxies), "%s", LISTS[i]);
}

Test(proxies, a_list_has_an_end)
{
	char list[PROXIES_MAX * 20 + 40] = "";
	struct proxies proxies;

	for (unsigned i = 0; i < PROXIES_MAX; i++)
		sprintf(list + strlen(list), "%s192.0.2.%u", i ? "," : "", i);
	cr_expect(proxies_parse(list, &proxies));
	cr_expect_eq(proxies.count, PROXIES_MAX);
	strcat(list, ",192.0.2.255");
	cr_expect(!proxies_parse(list, &proxies));
}

Test(proxies, peers_of_each_family)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNIX};
	struct proxies proxies;

	cr_assert(proxies_parse("192.0.2.1", &proxies));
	cr_expect(!proxies_have_peer(&proxies, &peer));
	peer.ss_family = AF_INET;
	cr_assert_eq(inet_pton(AF_INET, "192.0.2.1", &((struct sockaddr_in *)&peer)->sin_addr), 1);
	cr_expect(proxies_have_peer(&proxies, &peer));
	peer.ss_family = AF_INET6;
	cr_assert_eq(inet_pton(AF_INET6, "::ffff:192.0.2.1", &((struct sockaddr_in6 *)&peer)->sin6_addr), 1);
	cr_expect(proxies_have_peer(&proxies, &peer));
	cr_assert_eq(inet_pton(AF_INET6, "::1", &((struct sockaddr_in6 *)&peer)->sin6_addr), 1);
	cr_expect(!proxies_have_peer(&proxies, &peer));
	cr_assert(proxies_parse("unix", &proxies));
	cr_expect(!proxies_have_peer(&proxies, &peer));
	peer.ss_family = AF_UNIX;
	cr_expect(proxies_have_peer(&proxies, &peer));
}

Test(proxies, addresses_are_printed_one_way)
{
	static const char *const TEXTS[][2] = {
		{"192.0.2.1", "192.0.2.1"}, {"::FFFF:192.0.2.1", "192.0.2.1"}, {"2001:0DB8::0:1", "2001:db8::1"}};
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		const struct address address = address_of(TEXTS[i][0]);

		address_print(&address, text);
		cr_expect_str_eq(text, TEXTS[i][1]);
	}
}
