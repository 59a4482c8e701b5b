#include "server/http/problem.h"

struct problem_row {
	unsigned status;
	const char *slug, *title;
};

#define PROBLEM_ROW(name, number, text, line) [PROBLEM_##name] = {.status = number, .slug = text, .title = line},
static const struct problem_row ROWS[] = {PROBLEM_LIST(PROBLEM_ROW)};
#undef PROBLEM_ROW
_Static_assert(sizeof(ROWS) / sizeof(ROWS[0]) == PROBLEM_COUNT, "a row for each problem");

unsigned problem_status(enum problem problem)
{
	return ROWS[problem].status;
}

const char *problem_slug(enum problem problem)
{
	return ROWS[problem].slug;
}

const char *problem_title(enum problem problem)
{
	return ROWS[problem].title;
}
