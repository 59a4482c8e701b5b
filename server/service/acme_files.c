#include "server/service/acme_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"

static const char SCHEME[] = "https://";
static const char DELETED[] = " (deleted)";

/* NULL when memory runs out. */
static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static char *join3(const char *directory, const char *between, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s/%s", directory, between, name) < 0 ? NULL : path;
}

/* A name for the CA's directory. */
static char *name_of(const char *url)
{
	char *name = strdup(strncmp(url, SCHEME, sizeof(SCHEME) - 1) == 0 ? url + sizeof(SCHEME) - 1 : url);

	for (char *c = name; c && *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
			*c = '_';
	return name;
}

static bool write_paths(struct acme_files *files, const char *data, const char *url, const char *name)
{
	char *slug = name_of(url);

	files->root = join3(data, "tls", "acme");
	if (!slug || !files->root) {
		free(slug);
		return false;
	}
	files->hook = join(files->root, "coffer-acme-hook");
	files->challenges = join(files->root, "challenges");
	files->conf = join(files->root, slug);
	free(slug);
	if (!files->conf)
		return false;
	files->account = join(files->conf, "account");
	files->certificates = join(files->conf, name);
	files->chain = join3(files->conf, name, "cert.pem");
	files->key = asprintf(&files->key, "%s/private/%s/key.pem", files->conf, name) < 0 ? NULL : files->key;
	return files->hook && files->challenges && files->account && files->certificates && files->chain && files->key;
}

enum core_status acme_files_init(const char *data, const char *url, const char *name, struct acme_files *ret_files,
				 struct files_error *error)
{
	enum core_status status = CORE_NOMEM;

	*ret_files = (struct acme_files){.root = NULL};
	if (!write_paths(ret_files, data, url, name))
		return files_fail(error, CORE_NOMEM, "out of memory");
	status = files_directory(ret_files->root, true, error);
	if (status == CORE_OK)
		status = files_directory(ret_files->challenges, true, error);
	if (status == CORE_OK)
		status = files_directory(ret_files->conf, true, error);
	return status;
}

void acme_files_done(struct acme_files *files)
{
	char *const texts[] = {files->root,    files->hook,	    files->challenges, files->conf,
			       files->account, files->certificates, files->chain,      files->key};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	*files = (struct acme_files){.root = NULL};
}

/* ---- the hook ---------------------------------------------------------------------------------------------------- */

static bool read_link(const char *path, char ret_target[static PATH_MAX])
{
	const ssize_t size = readlink(path, ret_target, PATH_MAX);

	if (size <= 0 || size == PATH_MAX)
		return false;
	ret_target[size] = '\0';
	return true;
}

enum core_status acme_files_link_hook(const struct acme_files *files, struct files_error *error)
{
	char program[PATH_MAX], linked[PATH_MAX];
	size_t size;

	if (!read_link("/proc/self/exe", program))
		return files_fail(error, CORE_UNAVAILABLE, "cannot tell where this program is: %s", strerror(errno));
	/* An upgrade has put another in its place. */
	size = strlen(program);
	if (size > sizeof(DELETED) && strcmp(program + size - (sizeof(DELETED) - 1), DELETED) == 0)
		program[size - (sizeof(DELETED) - 1)] = '\0';
	if (read_link(files->hook, linked) && strcmp(linked, program) == 0)
		return CORE_OK;
	if ((unlink(files->hook) != 0 && errno != ENOENT) || symlink(program, files->hook) != 0)
		return files_fail(error, CORE_UNAVAILABLE, "cannot make the link %s: %s", files->hook, strerror(errno));
	return CORE_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Takes the text out of secret memory. */
static enum core_status read_text(const char *path, bool secret, char **ret_text, struct files_error *error)
{
	char *text;
	size_t size;
	const enum core_status status = files_read(path, secret, &text, &size, error);

	if (status != CORE_OK)
		return status;
	*ret_text = strdup(text);
	secret_free(text, size + 1);
	return *ret_text ? CORE_OK : files_fail(error, CORE_NOMEM, "out of memory");
}

enum core_status acme_files_read_pair(const struct acme_files *files, char **ret_chain, char **ret_key,
				      struct files_error *error)
{
	char *chain = NULL;
	enum core_status status = read_text(files->chain, false, &chain, error);

	if (status != CORE_OK)
		return status;
	status = read_text(files->key, true, ret_key, error);
	if (status != CORE_OK) {
		free(chain);
		return status;
	}
	*ret_chain = chain;
	return CORE_OK;
}

enum core_status acme_files_account(const struct acme_files *files, char ret_address[static ACME_FILES_ADDRESS_MAX],
				    struct files_error *error)
{
	char *text = NULL;
	const enum core_status status = read_text(files->account, false, &text, error);

	if (status == CORE_OK)
		snprintf(ret_address, ACME_FILES_ADDRESS_MAX, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return status;
}

enum core_status acme_files_set_account(const struct acme_files *files, const char *address, struct files_error *error)
{
	char line[ACME_FILES_ADDRESS_MAX + 1];

	snprintf(line, sizeof(line), "%s\n", address);
	return files_write(files->account, 0600, line, strlen(line), error);
}

void acme_files_forget_account(const struct acme_files *files)
{
	/* One that stays is asked about in vain, and told as a failure. */
	(void)unlink(files->account);
}

/* ---- old certificates -------------------------------------------------------------------------------------------- */

/* "cert-SECONDS.pem": when the one that followed it came. False for all else. */
static bool is_old(const char *name, unsigned long long *ret_when)
{
	int end = 0;

	return sscanf(name, "cert-%llu.pem%n", ret_when, &end) == 1 && end > 0 && name[end] == '\0';
}

void acme_files_prune(const struct acme_files *files)
{
	const int fd = open(files->certificates, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	unsigned long long newest = 0, when;
	struct dirent *entry;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return; /* nothing to remove, or nothing that stands in the way */
	}
	while ((entry = readdir(stream)) != NULL)
		if (is_old(entry->d_name, &when) && when > newest)
			newest = when;
	rewinddir(stream);
	while ((entry = readdir(stream)) != NULL)
		if (is_old(entry->d_name, &when) && when < newest)
			(void)unlinkat(fd, entry->d_name, 0);
	closedir(stream);
}
