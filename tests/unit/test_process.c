#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/core/process.h"

Test(process, a_line_of_the_kernels_is_understood_whatever_the_name_holds)
{
	static const char LINE[] =
		"1234 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 12 0 4200 1048576 256 999 0\n";
	struct process_figures figures;

	cr_assert(process_parse(LINE, 100, 4096, &figures));
	cr_assert_float_eq(figures.cpu_seconds, 2.0, 1e-9);
	cr_assert_float_eq(figures.start_seconds, 42.0, 1e-9);
	cr_assert_eq(figures.threads, 12);
	cr_assert_eq(figures.virtual_bytes, 1048576);
	cr_assert_eq(figures.resident_bytes, 256 * 4096);
	cr_assert_not(process_parse("1234 (a) S 1 2 3", 100, 4096, &figures));
	cr_assert_not(process_parse("", 100, 4096, &figures));
	cr_assert_not(process_parse(LINE, 0, 4096, &figures));
}

Test(process, this_one_is_seen_with_its_files)
{
	struct process_figures before, after;
	int fds[3];

	cr_assert(process_look(&before));
	for (size_t i = 0; i < 3; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert(process_look(&after));
	cr_assert_eq(after.open_files, before.open_files + 3);
	cr_assert(before.resident_bytes > 0 && before.virtual_bytes >= before.resident_bytes);
	cr_assert(before.threads >= 1 && before.most_files >= before.open_files);
	cr_assert(before.start_seconds > 0 && before.start_seconds <= (double)time(NULL) + 1);
	cr_assert_float_eq(before.start_seconds, after.start_seconds, 1.5);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
}
