#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/tls/acme_challenge.h"

#define DIGEST "ODJplnKgK_JAS46cy6tq6u4n0I9xdRT9aR1G2EApYsI"
#define TOKEN  "LMg1ViCw4stErXzymWGZ8vhdKxrMUC2gJ5_mfOU0s7E"
#define PROOF  TOKEN "." DIGEST
#define LONG64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- what the client says ---------------------------------------------------------------------------------------- */

struct saying {
	const char *words[6];
	enum acme_challenge_method method;
};

static const struct saying SAYINGS[] = {
	{{"begin", "http-01", "a.example", TOKEN, PROOF}, ACME_CHALLENGE_BEGIN},
	{{"done", "http-01", "a.example", TOKEN, PROOF}, ACME_CHALLENGE_END},
	{{"failed", "http-01", "a.example", TOKEN, PROOF}, ACME_CHALLENGE_END},
	{{"begin", "http-01", "", "a", "a." DIGEST}, ACME_CHALLENGE_BEGIN},
	{{"begin", "http-01", "a", LONG64 LONG64, LONG64 LONG64 "." DIGEST}, ACME_CHALLENGE_BEGIN},
	{{"begin", "dns-01", "a.example", TOKEN, DIGEST}, ACME_CHALLENGE_DECLINE},
	{{"begin", "tls-alpn-01", "a.example", TOKEN, DIGEST}, ACME_CHALLENGE_DECLINE},
	{{"begin", "", "a.example", TOKEN, PROOF}, ACME_CHALLENGE_DECLINE},
	{{"renew", "http-01", "a.example", TOKEN, PROOF}, ACME_CHALLENGE_BAD},
	{{"renew", "dns-01", "a.example", TOKEN, PROOF}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, PROOF, "more"}, ACME_CHALLENGE_BAD},
	{{NULL}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", "", "." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", "../../keys/store.key", "../../keys/store.key." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", "..", "..." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", "a/b", "a/b." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", "a.b", "a.b." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", "a\n", "a\n." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", LONG64 LONG64 "a", LONG64 LONG64 "a." DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, DIGEST}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, "b" PROOF}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, PROOF "="}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, PROOF "a"}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, PROOF "\n"}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, TOKEN "."}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, TOKEN}, ACME_CHALLENGE_BAD},
	{{"begin", "http-01", "a.example", TOKEN, ""}, ACME_CHALLENGE_BAD},
};

Test(acme_challenge, only_what_the_client_says_is_understood)
{
	for (size_t i = 0; i < sizeof(SAYINGS) / sizeof(SAYINGS[0]); i++) {
		const struct saying *saying = &SAYINGS[i];
		struct acme_challenge challenge = {NULL, NULL};
		char *arguments[6];
		int count = 0;

		for (; count < 6 && saying->words[count]; count++)
			arguments[count] = (char *)(uintptr_t)saying->words[count];
		cr_expect_eq(acme_challenge_parse(count, arguments, &challenge), saying->method, "%zu", i);
		if (saying->method == ACME_CHALLENGE_BEGIN || saying->method == ACME_CHALLENGE_END) {
			cr_expect_str_eq(challenge.token, saying->words[3]);
			cr_expect_str_eq(challenge.proof, saying->words[4]);
		} else {
			cr_expect_null(challenge.token);
		}
	}
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char directory[64];

static void make_directory(void)
{
	strcpy(directory, "/tmp/acme-challenge-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
}

static unsigned count_files(void)
{
	DIR *stream = opendir(directory);
	unsigned count = 0;

	cr_assert_not_null(stream);
	for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count;
}

static void remove_directory(void)
{
	cr_expect(acme_challenge_clear(directory));
	cr_expect_eq(rmdir(directory), 0);
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

TestSuite(acme_files, .init = make_directory, .fini = remove_directory);

Test(acme_files, a_proof_is_there_from_begin_to_end)
{
	const struct acme_challenge challenge = {.token = TOKEN, .proof = PROOF};
	char proof[ACME_CHALLENGE_PROOF_MAX], path[256];
	struct stat st;

	cr_expect_not(acme_challenge_get(directory, TOKEN, proof));
	cr_assert(acme_challenge_put(directory, &challenge));
	cr_assert(acme_challenge_get(directory, TOKEN, proof));
	cr_expect_str_eq(proof, PROOF);
	cr_expect_eq(count_files(), 1);
	snprintf(path, sizeof(path), "%s/%s", directory, TOKEN);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_assert(acme_challenge_put(directory, &challenge), "again");
	cr_assert(acme_challenge_remove(directory, TOKEN));
	cr_expect_not(acme_challenge_get(directory, TOKEN, proof));
	cr_assert(acme_challenge_remove(directory, TOKEN), "again");
	cr_expect_eq(count_files(), 0);
}

Test(acme_files, the_longest_proof_fits)
{
	const struct acme_challenge challenge = {.token = LONG64 LONG64, .proof = LONG64 LONG64 "." DIGEST};
	char proof[ACME_CHALLENGE_PROOF_MAX];

	cr_assert(acme_challenge_put(directory, &challenge));
	cr_assert(acme_challenge_get(directory, challenge.token, proof));
	cr_expect_str_eq(proof, challenge.proof);
}

Test(acme_files, what_is_no_proof_of_this_token_is_not_told)
{
	static const char *const TEXTS[] = {
		"", "a", PROOF, "a." DIGEST "\n", "a." DIGEST "a", "a.", "a." LONG64 LONG64 LONG64};
	char proof[ACME_CHALLENGE_PROOF_MAX] = "untouched";

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		write_file("a", TEXTS[i]);
		cr_expect_not(acme_challenge_get(directory, "a", proof), "%s", TEXTS[i]);
	}
	cr_expect_str_eq(proof, "untouched");
	write_file("a", "a." DIGEST);
	cr_expect(acme_challenge_get(directory, "a", proof));
}

Test(acme_files, a_token_names_no_other_file)
{
	static const char *const TOKENS[] = {
		"", ".", "..", "../a", "a/../a", "/etc/passwd", "a.new", "a\n", LONG64 LONG64 "a"};
	char proof[ACME_CHALLENGE_PROOF_MAX], target[128], link_path[128];

	write_file("a", "a." DIGEST);
	for (size_t i = 0; i < sizeof(TOKENS) / sizeof(TOKENS[0]); i++)
		cr_expect_not(acme_challenge_get(directory, TOKENS[i], proof), "%s", TOKENS[i]);
	/* Not through a link, either. */
	write_file("target", "b." DIGEST);
	snprintf(target, sizeof(target), "%s/target", directory);
	snprintf(link_path, sizeof(link_path), "%s/b", directory);
	cr_assert_eq(symlink(target, link_path), 0);
	cr_expect_not(acme_challenge_get(directory, "b", proof));
	cr_assert_eq(unlink(link_path), 0);
	cr_assert_eq(mkfifo(link_path, 0600), 0);
	cr_expect_not(acme_challenge_get(directory, "b", proof));
}

Test(acme_files, what_was_cut_off_is_cleared)
{
	write_file("a", "a." DIGEST);
	write_file("b.new", "b.");
	cr_assert(acme_challenge_clear(directory));
	cr_expect_eq(count_files(), 0);
}

Test(acme_files, without_the_directory_nothing_works_and_errno_says_so)
{
	const struct acme_challenge challenge = {.token = TOKEN, .proof = PROOF};
	char proof[ACME_CHALLENGE_PROOF_MAX];

	errno = 0;
	cr_expect_not(acme_challenge_put("/nonexistent", &challenge));
	cr_expect_eq(errno, ENOENT);
	cr_expect_not(acme_challenge_remove("/nonexistent", TOKEN));
	cr_expect_not(acme_challenge_get("/nonexistent", TOKEN, proof));
	cr_expect_not(acme_challenge_clear("/nonexistent"));
}
