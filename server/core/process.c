#include "server/core/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Behind the name, which may hold anything: state(3), 10 numbers, utime(14), stime, 4 numbers, threads(20), 1, start,
 * virtual, resident. */
bool process_parse(const char *stat, long ticks, long page_size, struct process_figures *ret_figures)
{
	const char *rest = strrchr(stat, ')');
	uint64_t user, system, threads, start, virtual_bytes, pages;

	if (!rest || ticks <= 0 ||
	    sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %" SCNu64
		   " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &user, &system, &threads, &start, &virtual_bytes, &pages) != 6)
		return false;
	*ret_figures = (struct process_figures){
		.cpu_seconds = (double)(user + system) / (double)ticks,
		.start_seconds = (double)start / (double)ticks,
		.virtual_bytes = virtual_bytes,
		.resident_bytes = pages * (uint64_t)page_size,
		.threads = threads,
	};
	return true;
}

static bool read_text(const char *path, char *ret_text, size_t room)
{
	FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return false;
	size = fread(ret_text, 1, room - 1, file);
	ret_text[size] = '\0';
	(void)fclose(file); /* it was read */
	return size > 0;
}

/* Newer kernels tell the number as the directory's size; else its entries are counted. */
static uint64_t count_files(void)
{
	static const char PATH[] = "/proc/self/fd";
	struct stat found;
	uint64_t count = 0;
	DIR *directory;

	if (stat(PATH, &found) == 0 && found.st_size > 0)
		return (uint64_t)found.st_size;
	directory = opendir(PATH);
	if (!directory)
		return 0;
	for (const struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	return count - 1; /* without the directory's own */
}

/* When the machine was started, by its clock of now, in whole seconds: so that it stays the same. */
static double boot_seconds(void)
{
	struct timespec wall, since;
	time_t seconds;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &since);
	seconds = wall.tv_sec - since.tv_sec;
	if (wall.tv_nsec - since.tv_nsec >= 500000000)
		seconds++;
	else if (wall.tv_nsec - since.tv_nsec < -500000000)
		seconds--;
	return (double)seconds;
}

bool process_look(struct process_figures *ret_figures)
{
	struct process_figures figures;
	struct rlimit files;
	char text[1024];

	if (!read_text("/proc/self/stat", text, sizeof(text)) ||
	    !process_parse(text, sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE), &figures))
		return false;
	figures.start_seconds += boot_seconds();
	figures.open_files = count_files();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		figures.most_files = files.rlim_cur;
	*ret_figures = figures;
	return true;
}
