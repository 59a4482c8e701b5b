#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/service/cert_names.h"

static unsigned count_of(const char *const *list, size_t count, const char *name)
{
	unsigned found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcasecmp(list[i], name) == 0;
	return found;
}

Test(cert_names, each_name_comes_once_and_none_that_another_certificate_is_for)
{
	char host[256] = "", domain[512];
	struct cert_names names;

	cr_assert_eq(gethostname(host, sizeof(host) - 1), 0);
	snprintf(domain, sizeof(domain), "a.example.org,%s", host);
	cr_assert(cert_names_init(&names, "192.0.2.7:1", "b.example,A.example.org,B.example,192.0.2.7", domain));
	cr_expect_eq(count_of(names.names, names.count, "b.example"), 1);
	cr_expect_eq(count_of(names.names, names.count, "192.0.2.7"), 1);
	cr_expect_eq(names.count, 2);
	cr_expect_eq(names.other_count, 2);
	cr_expect_str_eq(names.others[0], "a.example.org");
	cert_names_done(&names);
}

Test(cert_names, without_a_domain_there_are_no_others)
{
	struct cert_names names;

	cr_assert(cert_names_init(&names, "[::]:443", "", ""));
	cr_expect_eq(names.other_count, 0);
	cr_expect_eq(count_of(names.names, names.count, "::"), 0);
	cert_names_done(&names);
}
