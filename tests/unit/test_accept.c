#include <criterion/criterion.h>

#include "server/api/accept.h"

static const char PEM[] = "application/x-pem-file", JWK[] = "application/jwk+json";

struct weight {
	const char *accept;
	unsigned pem, jwk;
};

static void check_all(const struct weight *weights, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct weight *w = &weights[i];

		cr_expect_eq(accept_quality(w->accept, PEM), w->pem, "%s: PEM", w->accept);
		cr_expect_eq(accept_quality(w->accept, JWK), w->jwk, "%s: JWK", w->accept);
	}
}
#define CHECK_ALL(weights) check_all(weights, sizeof(weights) / sizeof((weights)[0]))

Test(accept, without_a_wish_all_is_as_welcome)
{
	cr_assert_eq(accept_quality(NULL, PEM), 1000);
}

Test(accept, a_type_is_named_by_itself_by_its_top_level_or_by_anything)
{
	static const struct weight WEIGHTS[] = {
		{"application/jwk+json", 0, 1000},
		{"APPLICATION/JWK+JSON", 0, 1000},
		{"application/*", 1000, 1000},
		{"Application/*", 1000, 1000},
		{"*/*", 1000, 1000},
		{"text/*", 0, 0},
		{"text/plain, application/x-pem-file", 1000, 0},
		{"application/jwk+json;charset=utf-8", 0, 1000},
	};

	CHECK_ALL(WEIGHTS);
}

Test(accept, weights_are_thousandths)
{
	static const struct weight WEIGHTS[] = {
		{"application/jwk+json;q=0", 0, 0},
		{"application/jwk+json;q=0.", 0, 0},
		{"application/jwk+json;q=0.0", 0, 0},
		{"application/jwk+json;q=0.5", 0, 500},
		{"application/jwk+json;q=0.25", 0, 250},
		{"application/jwk+json;q=0.125", 0, 125},
		{"application/jwk+json;q=0.1259", 0, 125},
		{"application/jwk+json;q=1", 0, 1000},
		{"application/jwk+json;q=1.000", 0, 1000},
		{"application/jwk+json ; q=0.5", 0, 500},
		{"application/jwk+json;\tQ=0.5", 0, 500},
		{"application/jwk+json;level=1;q=0.3", 0, 300},
		{"application/jwk+json;seq=0", 0, 1000},
		{"application/jwk+json;q=0.5,application/x-pem-file;q=0.7", 700, 500},
		{"application/jwk+json;q", 0, 1000},
		{"application/jwk+json;q=", 0, 1000},
	};

	CHECK_ALL(WEIGHTS);
}

Test(accept, the_closest_range_counts_wherever_it_stands)
{
	static const struct weight WEIGHTS[] = {
		{"*/*;q=0.1, application/*;q=0.2, application/jwk+json;q=0.3", 200, 300},
		{"application/jwk+json;q=0.3, application/*;q=0.2, */*;q=0.1", 200, 300},
		{"*/*, application/jwk+json;q=0", 1000, 0},
		{"text/*, */*;q=0.4", 400, 400},
	};

	CHECK_ALL(WEIGHTS);
}

Test(accept, what_is_no_range_names_nothing)
{
	static const struct weight WEIGHTS[] = {
		{"", 0, 0},
		{" ", 0, 0},
		{",,, ,", 0, 0},
		{";q=1", 0, 0},
		{"*", 0, 0},
		{"application", 0, 0},
		{"application/", 0, 0},
		{"application/jwk", 0, 0},
		{"application/jwk+jsonx", 0, 0},
		{"*/jwk+json", 0, 0},
		{", ,application/jwk+json,,", 0, 1000},
	};

	CHECK_ALL(WEIGHTS);
}
