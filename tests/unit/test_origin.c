#include <criterion/criterion.h>
#include <string.h>

#include "server/api/origin.h"

enum { PORT = 8443 };

static const char *const NAMES[] = {"localhost", "127.0.0.1", "::1", "Clinic.Example.ORG"};
static const char *const ORIGINS[] = {"https://one.example", "https://two.example:8443", "https://three.example:443",
				      "https://[2001:db8::1]:444", "https://Mixed.Example"};

static const struct origins BY_NAME = {.host_names = NAMES, .host_name_count = sizeof(NAMES) / sizeof(NAMES[0])};
static const struct origins BY_ORIGIN = {.origins = ORIGINS,
					 .origin_count = sizeof(ORIGINS) / sizeof(ORIGINS[0]),
					 .host_names = NAMES,
					 .host_name_count = sizeof(NAMES) / sizeof(NAMES[0])};

struct question {
	const char *host, *want; /* NULL: none of ours */
};

static void ask(const struct origins *origins, uint16_t port, const struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct question *q = &questions[i];
		char origin[DIRECTORY_ORIGIN_MAX + 1] = "untouched";
		const bool found = origin_find(origins, q->host, port, origin);

		cr_expect_eq(found, q->want != NULL, "%s", q->host);
		cr_expect_str_eq(origin, q->want ? q->want : "untouched", "%s", q->host);
	}
}
#define ASK(origins, port, questions) ask(origins, port, questions, sizeof(questions) / sizeof((questions)[0]))

Test(origin, host_names_go_with_the_port_that_is_listened_on)
{
	static const struct question QUESTIONS[] = {
		{"localhost:8443", "https://localhost:8443"},
		{"LocalHost:8443", "https://localhost:8443"},
		{"127.0.0.1:8443", "https://127.0.0.1:8443"},
		{"[::1]:8443", "https://[::1]:8443"},
		{"clinic.example.org:8443", "https://clinic.example.org:8443"},
		{"localhost", NULL},
		{"localhost:443", NULL},
		{"localhost:08443", NULL},
		{"localhost:8444", NULL},
		{"localhost:84430", NULL},
		{"localhost:844", NULL},
		{"localhost.:8443", NULL},
		{"localhost:8443/", NULL},
		{"localhost:8443\n", NULL},
		{"ocalhost:8443", NULL},
		{"example.org:8443", NULL},
		{"::1:8443", NULL},
		{"[::1]", NULL},
		{"user@localhost:8443", NULL},
		{"", NULL},
		{":8443", NULL},
	};

	ASK(&BY_NAME, PORT, QUESTIONS);
}

Test(origin, the_default_port_is_left_out_however_it_is_asked_for)
{
	static const struct question QUESTIONS[] = {
		{"localhost", "https://localhost"},
		{"localhost:443", "https://localhost"},
		{"[::1]", "https://[::1]"},
		{"[::1]:443", "https://[::1]"},
		{"localhost:443:443", NULL},
		{"localhost:8443", NULL},
		{"localhost:", NULL},
	};

	ASK(&BY_NAME, 443, QUESTIONS);
}

Test(origin, configured_ones_are_all_there_is_and_need_not_have_our_port)
{
	static const struct question QUESTIONS[] = {
		{"one.example", "https://one.example"},
		{"one.example:443", "https://one.example"},
		{"one.example:8443", NULL},
		{"two.example:8443", "https://two.example:8443"},
		{"two.example", NULL},
		{"three.example", "https://three.example"},
		{"three.example:443", "https://three.example"},
		{"[2001:DB8::1]:444", "https://[2001:db8::1]:444"},
		{"mixed.example", "https://mixed.example"},
		{"MIXED.EXAMPLE", "https://mixed.example"},
		{"localhost:8443", NULL},
		{"https://one.example", NULL},
		{"", NULL},
	};

	ASK(&BY_ORIGIN, PORT, QUESTIONS);
}

Test(origin, the_longest_names_fit)
{
	char name[256], host[300], want[300], longest[DIRECTORY_ORIGIN_MAX + 1], origin[DIRECTORY_ORIGIN_MAX + 1];
	const char *const names[] = {name}, *const origins[] = {longest};
	const struct origins by_name = {.host_names = names, .host_name_count = 1};
	const struct origins by_origin = {.origins = origins, .origin_count = 1};

	memset(name, 'A', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(host, sizeof(host), "%s:65535", name);
	cr_assert(origin_find(&by_name, host, 65535, origin));
	snprintf(want, sizeof(want), "https://%s:65535", name);
	cr_assert_eq(strcasecmp(origin, want), 0);
	cr_assert_eq(origin[strlen("https://")], 'a');
	memset(longest, 'b', sizeof(longest));
	memcpy(longest, "https://", 8);
	longest[DIRECTORY_ORIGIN_MAX] = '\0';
	cr_assert(origin_find(&by_origin, longest + 8, 1, origin));
	cr_assert_str_eq(origin, longest);
}
