#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/arguments.h"

static const struct argument OPTIONS[] = {
	{.name = "data", .value = "DIR", .help = "where"},
	{.name = "threads", .value = "N", .help = "how many"},
	{.name = "quiet", .help = "say nothing"},
};
enum { DATA, THREADS, QUIET, COUNT };

static const struct arguments ARGUMENTS = {.usage = "coffer test", .about = "Tests.", .table = OPTIONS, .count = COUNT};

struct run {
	enum arguments_status status;
	const char *values[COUNT];
	char *out, *errors;
};

static struct run parse(int argc, char **argv)
{
	struct run run = {.out = NULL};
	size_t sizes[2];
	FILE *out = open_memstream(&run.out, &sizes[0]), *errors = open_memstream(&run.errors, &sizes[1]);

	run.status = arguments_parse(&ARGUMENTS, argc, argv, run.values, out, errors);
	fclose(out);
	fclose(errors);
	return run;
}

static void done(struct run *run)
{
	free(run->out);
	free(run->errors);
}

#define PARSE(...) \
	parse((int)(sizeof((char *[]){"test", __VA_ARGS__}) / sizeof(char *)), (char *[]){"test", __VA_ARGS__, NULL})

Test(arguments, values_follow_or_are_joined_and_flags_stand_alone)
{
	struct run run = PARSE("--data", "here", "--quiet", "--threads=3");

	cr_assert_eq(run.status, ARGUMENTS_OK);
	cr_expect_str_eq(run.values[DATA], "here");
	cr_expect_str_eq(run.values[THREADS], "3");
	cr_expect_not_null(run.values[QUIET]);
	cr_expect_str_eq(run.out, "");
	cr_expect_str_eq(run.errors, "");
	done(&run);
}

Test(arguments, what_is_not_given_is_null_and_the_last_of_two_holds)
{
	struct run run = PARSE("--data=a=b", "--data", "");

	cr_assert_eq(run.status, ARGUMENTS_OK);
	cr_expect_str_eq(run.values[DATA], "");
	cr_expect_null(run.values[THREADS]);
	cr_expect_null(run.values[QUIET]);
	done(&run);
}

Test(arguments, help_is_printed_on_out_and_is_no_error)
{
	struct run runs[] = {PARSE("--help"), PARSE("--data", "x", "-h")};

	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(runs[i].status, ARGUMENTS_HELP);
		cr_expect_not_null(strstr(runs[i].out, "usage: coffer test\n"));
		cr_expect_not_null(strstr(runs[i].out, "Tests."));
		cr_expect_not_null(strstr(runs[i].out, "--threads N\n"));
		cr_expect_str_eq(runs[i].errors, "");
		done(&runs[i]);
	}
}

Test(arguments, what_is_wrong_is_told_by_its_place_and_never_repeated)
{
	struct run runs[] = {PARSE("--quiet", "s3cret"),	 PARSE("--quiet", "--s3cret"),
			     PARSE("--quiet", "--s3cret=x"),	 PARSE("--quiet", "-s3cret"),
			     PARSE("--quiet", "--quiet=s3cret"), PARSE("--quiet", "--data"),
			     PARSE("--quiet", "--dat=s3cret"),	 PARSE("--quiet", "--")};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		cr_expect_eq(runs[i].status, ARGUMENTS_WRONG, "%zu", i);
		cr_expect_not_null(strstr(runs[i].errors, "argument 2: "), "%zu", i);
		cr_expect_not_null(strstr(runs[i].errors, "usage: coffer test\n"), "%zu", i);
		cr_expect_null(strstr(runs[i].errors, "s3cret"), "%zu", i);
		cr_expect_str_eq(runs[i].out, "");
		done(&runs[i]);
	}
}

Test(arguments, numbers_are_whole_and_in_their_range)
{
	static const char *const WRONG[] = {"",	  "0",	"257", "1x",	     " 1",
					    "+1", "-1", "1.5", "4294967297", "99999999999999999999"};
	unsigned number = 7;

	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		cr_expect_not(arguments_number(WRONG[i], 1, 256, &number), "%s", WRONG[i]);
	cr_expect_eq(number, 7);
	cr_expect(arguments_number("1", 1, 256, &number) && number == 1);
	cr_expect(arguments_number("256", 1, 256, &number) && number == 256);
	cr_expect(arguments_number("007", 1, 256, &number) && number == 7);
}

Test(arguments, the_data_directory_is_the_given_one_or_that_of_the_environment_or_the_standard_one)
{
	unsetenv("COFFER_DATA");
	cr_expect_str_eq(arguments_data(NULL), "./coffer-data");
	setenv("COFFER_DATA", "", 1);
	cr_expect_str_eq(arguments_data(NULL), "./coffer-data");
	setenv("COFFER_DATA", "/elsewhere", 1);
	cr_expect_str_eq(arguments_data(NULL), "/elsewhere");
	cr_expect_str_eq(arguments_data("given"), "given");
}
