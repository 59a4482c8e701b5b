/*
 * replay DIRECTORY...: runs a fuzz target over each file of its corpus, and over the truncations and one-byte changes
 * of it; of long files a sample of those, evenly spread. Needs no fuzzer. A directory without files is a failure.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

enum { FILE_MAX = 1 << 20, POSITIONS_MAX = 256 };

static unsigned long runs;

/* On the heap and of the exact size, so that the address sanitizer sees a read beyond the end. */
static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = calloc(1, size ? size : 1);

	FUZZ_CHECK(copy != NULL);
	if (size)
		memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	FUZZ_CHECK(size == 0 || memcmp(copy, bytes, size) == 0);
	free(copy);
	runs++;
}

/* Each change takes a byte to another value: its lowest and highest bit, the ends of the range, and a neighbour. */
static void change(uint8_t *bytes, size_t size, size_t at)
{
	const uint8_t was = bytes[at];
	const uint8_t to[] = {was ^ 1, was ^ 0x80, 0, 0xff, (uint8_t)(was + 1)};

	for (size_t i = 0; i < sizeof(to); i++) {
		if (to[i] == was)
			continue;
		bytes[at] = to[i];
		run(bytes, size);
	}
	bytes[at] = was;
}

static void run_near(uint8_t *bytes, size_t size)
{
	const size_t step = size / POSITIONS_MAX + 1;

	run(bytes, size);
	for (size_t at = 0; at < size; at += step) {
		run(bytes, at);
		change(bytes, size, at);
	}
}

static bool run_file(const char *path)
{
	static uint8_t bytes[FILE_MAX];
	FILE *file = fopen(path, "rbe");
	size_t size;
	bool good;

	if (!file)
		return false;
	size = fread(bytes, 1, sizeof(bytes), file);
	good = !ferror(file) && size < sizeof(bytes);
	fclose(file);
	if (good)
		run_near(bytes, size);
	return good;
}

/* The number of its files; -1 when one cannot be read. */
static int run_directory(const char *directory)
{
	struct dirent **entries;
	const int count = scandir(directory, &entries, NULL, alphasort);
	int files = 0;

	for (int i = 0; i < count; i++) {
		char path[4096];
		struct stat status;

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		free(entries[i]);
		if (files < 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
			continue;
		files = run_file(path) ? files + 1 : -1;
		if (files < 0)
			perror(path);
	}
	if (count >= 0)
		free(entries);
	return files;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const int files = run_directory(argv[i]);

		if (files <= 0) {
			fprintf(stderr, "replay: %s: %s\n", argv[i], files < 0 ? "unreadable" : "no files");
			return 1;
		}
		printf("replay: %s: %d files\n", argv[i], files);
	}
	printf("replay: %lu runs\n", runs);
	return runs ? 0 : 1;
}
