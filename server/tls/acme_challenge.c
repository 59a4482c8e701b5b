#include "server/tls/acme_challenge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGUMENTS = 5, DIGEST_CHARS = 43 };

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char UNFINISHED[] = ".new"; /* no token has a full stop */

static bool is_token(const char *text)
{
	const size_t size = strspn(text, ALPHABET);

	return size > 0 && size <= ACME_CHALLENGE_TOKEN_MAX && text[size] == '\0';
}

static bool is_proof(const char *text, const char *token)
{
	const size_t size = strlen(token);

	return strncmp(text, token, size) == 0 && text[size] == '.' &&
	       strspn(text + size + 1, ALPHABET) == DIGEST_CHARS && text[size + 1 + DIGEST_CHARS] == '\0';
}

enum acme_challenge_method acme_challenge_parse(int count, char *const *arguments, struct acme_challenge *ret_challenge)
{
	const char *method;
	bool ends;

	if (count != ARGUMENTS)
		return ACME_CHALLENGE_BAD;
	method = arguments[0];
	ends = strcmp(method, "done") == 0 || strcmp(method, "failed") == 0;
	if (!ends && strcmp(method, "begin") != 0)
		return ACME_CHALLENGE_BAD;
	if (strcmp(arguments[1], "http-01") != 0)
		return ACME_CHALLENGE_DECLINE;
	if (!is_token(arguments[3]) || !is_proof(arguments[4], arguments[3]))
		return ACME_CHALLENGE_BAD;
	*ret_challenge = (struct acme_challenge){.token = arguments[3], .proof = arguments[4]};
	return ends ? ACME_CHALLENGE_END : ACME_CHALLENGE_BEGIN;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int open_directory(const char *directory)
{
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool write_file(int directory, const char *name, const char *text)
{
	const size_t size = strlen(text);
	int fd;
	bool good;

	if (unlinkat(directory, name, 0) != 0 && errno != ENOENT)
		return false;
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	good = write(fd, text, size) == (ssize_t)size;
	return close(fd) == 0 && good;
}

bool acme_challenge_put(const char *directory, const struct acme_challenge *challenge)
{
	const int fd = open_directory(directory);
	char temporary[ACME_CHALLENGE_TOKEN_MAX + sizeof(UNFINISHED)];
	bool good;

	if (fd < 0)
		return false;
	snprintf(temporary, sizeof(temporary), "%s%s", challenge->token, UNFINISHED);
	good = write_file(fd, temporary, challenge->proof) && renameat(fd, temporary, fd, challenge->token) == 0;
	close(fd);
	return good;
}

bool acme_challenge_remove(const char *directory, const char *token)
{
	const int fd = open_directory(directory);
	bool good;

	if (fd < 0)
		return false;
	good = unlinkat(fd, token, 0) == 0 || errno == ENOENT;
	close(fd);
	return good;
}

/* False for what is too long, too. */
static bool read_file(int directory, const char *name, char ret_text[static ACME_CHALLENGE_PROOF_MAX])
{
	const int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t size = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		size = read(fd, ret_text, ACME_CHALLENGE_PROOF_MAX);
	close(fd);
	if (size <= 0 || size == ACME_CHALLENGE_PROOF_MAX)
		return false;
	ret_text[size] = '\0';
	return true;
}

bool acme_challenge_get(const char *directory, const char *token, char ret_proof[static ACME_CHALLENGE_PROOF_MAX])
{
	const int fd = is_token(token) ? open_directory(directory) : -1;
	char text[ACME_CHALLENGE_PROOF_MAX];
	bool good;

	if (fd < 0)
		return false;
	good = read_file(fd, token, text) && is_proof(text, token);
	close(fd);
	if (good)
		memcpy(ret_proof, text, sizeof(text));
	return good;
}

bool acme_challenge_clear(const char *directory)
{
	const int fd = open_directory(directory);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool good = stream != NULL;

	if (!stream && fd >= 0)
		close(fd);
	while (stream && (entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.' && unlinkat(fd, entry->d_name, 0) != 0 && errno != ENOENT)
			good = false;
	if (stream)
		closedir(stream);
	return good;
}
