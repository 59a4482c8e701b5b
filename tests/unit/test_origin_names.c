#include <criterion/criterion.h>
#include <string.h>

#include "server/service/origin_names.h"

static bool has_host(const struct origins *origins, const char *name)
{
	for (size_t i = 0; i < origins->host_name_count; i++)
		if (strcmp(origins->host_names[i], name) == 0)
			return true;
	return false;
}

Test(origin_names, origins_come_before_domains_and_domains_before_host_names)
{
	static const struct {
		const char *origin, *domain;
		const char *want[3];
	} CASES[] = {
		{"", "", {NULL}},
		{"https://a.example:1,https://b.example", "", {"https://a.example:1", "https://b.example"}},
		{"", "a.example", {"https://a.example"}},
		{"", "a.example,b.example", {"https://a.example", "https://b.example"}},
		{"https://c.example", "a.example,b.example", {"https://c.example"}},
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct origin_names names;
		size_t count = 0;

		cr_assert(origin_names_init(&names, CASES[i].origin, CASES[i].domain, "127.0.0.1:1", "a.example"));
		for (; CASES[i].want[count]; count++) {
			cr_assert_gt(names.origins.origin_count, count);
			cr_expect_str_eq(names.origins.origins[count], CASES[i].want[count]);
		}
		cr_expect_eq(names.origins.origin_count, count);
		cr_expect(has_host(&names.origins, "localhost") && has_host(&names.origins, "a.example") &&
			  has_host(&names.origins, "127.0.0.1"));
		origin_names_done(&names);
	}
}
