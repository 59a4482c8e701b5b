#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "server/http/admission.h"
#include "server/http/http.h"

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		address.ss_family = AF_INET;
	} else {
		cr_assert_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		address.ss_family = AF_INET6;
	}
	return address;
}

static enum admission_verdict enter(struct admission *admission, const char *text)
{
	const struct sockaddr_storage address = address_of(text);

	return admission_enter(admission, &address);
}

static void leave(struct admission *admission, const char *text, enum admission_verdict verdict)
{
	const struct sockaddr_storage address = address_of(text);

	admission_leave(admission, &address, verdict);
}

Test(admission, an_ipv6_64_is_one_address)
{
	const struct http_limits limits = {.connections = 100, .connections_per_address = 2};
	struct admission *admission = admission_new(&limits);

	cr_assert_eq(enter(admission, "2001:db8:0:1::1"), ADMITTED);
	cr_assert_eq(enter(admission, "2001:db8:0:1:ffff::2"), ADMITTED);
	cr_assert_eq(enter(admission, "2001:db8:0:1:8000::3"), OVER_ADDRESS);
	cr_assert_eq(enter(admission, "2001:db8:0:2::1"), ADMITTED);
	admission_free(admission);
}

Test(admission, ipv4_is_the_same_when_mapped_into_ipv6)
{
	const struct http_limits limits = {.connections = 100, .connections_per_address = 1};
	struct admission *admission = admission_new(&limits);

	cr_assert_eq(enter(admission, "::ffff:192.0.2.1"), ADMITTED);
	cr_assert_eq(enter(admission, "::ffff:192.0.2.2"), ADMITTED);
	cr_assert_eq(enter(admission, "192.0.2.1"), OVER_ADDRESS);
	admission_free(admission);
}

Test(admission, room_comes_back)
{
	const struct http_limits limits = {.connections = 2, .connections_per_address = 2};
	struct admission *admission = admission_new(&limits);
	const struct sockaddr_storage third = address_of("192.0.2.3");

	cr_assert_eq(enter(admission, "192.0.2.1"), ADMITTED);
	cr_assert_eq(enter(admission, "192.0.2.2"), ADMITTED);
	cr_assert_eq(enter(admission, "192.0.2.3"), OVER_ALL);
	cr_assert_eq(admission_promote(admission, &third, OVER_ALL), OVER_ALL);
	leave(admission, "192.0.2.1", ADMITTED);
	cr_assert_eq(admission_promote(admission, &third, OVER_ALL), ADMITTED);
	cr_assert_eq(enter(admission, "192.0.2.1"), OVER_ALL);
	leave(admission, "192.0.2.1", OVER_ALL);
	leave(admission, "192.0.2.3", ADMITTED);
	cr_assert_eq(enter(admission, "192.0.2.1"), ADMITTED);
	admission_free(admission);
}

Test(admission, those_who_are_told_are_bounded_too)
{
	const struct http_limits limits = {.connections = 1, .connections_per_address = 1};
	struct admission *admission = admission_new(&limits);
	unsigned told = 0;

	cr_assert_eq(enter(admission, "192.0.2.1"), ADMITTED);
	while (told < 5000 && enter(admission, "192.0.2.2") == OVER_ALL)
		told++;
	cr_assert(told > 0 && told < 5000, "%u", told);
	leave(admission, "192.0.2.2", OVER_ALL);
	cr_assert_eq(enter(admission, "192.0.2.2"), OVER_ALL);
	cr_assert_eq(enter(admission, "192.0.2.2"), TURNED_AWAY);
	admission_free(admission);
}

Test(admission, a_trusted_proxy_is_counted_in_all_and_for_no_address)
{
	const struct http_limits limits = {.connections = 3, .connections_per_address = 1};
	struct admission *admission = admission_new(&limits);

	cr_assert_eq(admission_enter(admission, NULL), ADMITTED);
	cr_assert_eq(admission_enter(admission, NULL), ADMITTED);
	cr_assert_eq(enter(admission, "192.0.2.1"), ADMITTED);
	cr_expect_eq(admission_enter(admission, NULL), OVER_ALL);
	cr_expect_eq(admission_promote(admission, NULL, OVER_ALL), OVER_ALL);
	leave(admission, "192.0.2.1", ADMITTED);
	cr_expect_eq(admission_promote(admission, NULL, OVER_ALL), ADMITTED);
	for (int i = 0; i < 3; i++)
		admission_leave(admission, NULL, ADMITTED);
	cr_expect_eq(enter(admission, "192.0.2.1"), ADMITTED);
	leave(admission, "192.0.2.1", ADMITTED);
	admission_free(admission);
}

Test(admission, strangers_at_the_unix_socket_are_one_address)
{
	const struct http_limits limits = {.connections = 100, .connections_per_address = 1};
	const struct sockaddr_storage local = {.ss_family = AF_UNIX};
	struct admission *admission = admission_new(&limits);

	cr_assert_eq(admission_enter(admission, &local), ADMITTED);
	cr_expect_eq(admission_enter(admission, &local), OVER_ADDRESS);
	admission_leave(admission, &local, OVER_ADDRESS);
	cr_expect_eq(enter(admission, "0.0.0.0"), ADMITTED);
	cr_expect_eq(enter(admission, "::"), ADMITTED);
	leave(admission, "0.0.0.0", ADMITTED);
	leave(admission, "::", ADMITTED);
	admission_leave(admission, &local, ADMITTED);
	admission_free(admission);
}
