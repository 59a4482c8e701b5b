/* Runs a fuzz target over the files of a corpus directory: replay DIRECTORY. An empty directory is a failure. */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static bool replay_file(const char *directory, const char *name, uint8_t *room)
{
	char path[4096];
	FILE *file = NULL;
	uint8_t *exact = NULL;
	size_t size;
	bool good = false;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
		return false;
	file = fopen(path, "rb");
	if (!file)
		return false;
	size = fread(room, 1, INPUT_MAX, file);
	if (ferror(file))
		goto out;
	exact = malloc(size ? size : 1);
	if (!exact)
		goto out;
	memcpy(exact, room, size);
	good = LLVMFuzzerTestOneInput(exact, size) == 0;
out:
	free(exact);
	fclose(file);
	return good;
}

int main(int argc, char **argv)
{
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
	uint8_t *room = malloc(INPUT_MAX);
	size_t count = 0;
	bool good = directory && room;

	for (struct dirent *entry; good && (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		good = replay_file(argv[1], entry->d_name, room);
		count++;
	}
	free(room);
	if (directory)
		closedir(directory);
	printf("%zu inputs\n", count);
	return good && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
