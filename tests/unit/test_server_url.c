#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/service/server_url.h"

static void write_file(const char *directory, const char *text)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/server.url", directory);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void assert_found(const char *directory, const char *wanted, const char *origin)
{
	struct server_url url;

	server_url_find(directory, &url);
	cr_assert_str_eq(url.dial, wanted);
	cr_assert_str_eq(url.origin, origin);
}

Test(server_url, an_address_that_stands_for_all_becomes_loopback)
{
	static const char *const ROWS[][2] = {
		{"127.0.0.1:0", "https://127.0.0.1:77"}, {"0.0.0.0:8443", "https://127.0.0.1:77"},
		{"[::]:8443", "https://[::1]:77"},	 {"[::1]:0", "https://[::1]:77"},
		{"10.1.2.3:1", "https://10.1.2.3:77"},
	};
	char url[SERVER_URL_MAX];

	server_url_make("http", "127.0.0.1:0", 78, url);
	cr_assert_str_eq(url, "http://127.0.0.1:78");
	server_url_make("http", "unix:/run/c:1.sock", 0, url);
	cr_assert_str_eq(url, "unix:/run/c:1.sock");
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		server_url_make("https", ROWS[i][0], 77, url);
		cr_assert_str_eq(url, ROWS[i][1]);
	}
}

Test(server_url, the_file_wins_then_the_environment_then_the_default)
{
	char directory[] = "/tmp/coffer-url-XXXXXX", path[300];

	cr_assert(mkdtemp(directory));
	unsetenv("COFFER_LISTEN");
	assert_found(directory, "https://127.0.0.1:8443", "");
	setenv("COFFER_LISTEN", "0.0.0.0:5000", 1);
	assert_found(directory, "https://127.0.0.1:5000", "");
	setenv("COFFER_LISTEN", "no address", 1);
	assert_found(directory, "https://127.0.0.1:8443", "");
	setenv("COFFER_LISTEN", "0.0.0.0:5000", 1);
	write_file(directory, "https://10.0.0.1:99\n");
	assert_found(directory, "https://10.0.0.1:99", "");
	write_file(directory, "https://127.0.0.1:99\nhttps://records.example.org\n");
	assert_found(directory, "https://127.0.0.1:99", "https://records.example.org");
	write_file(directory, "unix:/run/coffer.sock\n\n");
	assert_found(directory, "unix:/run/coffer.sock", "");
	write_file(directory, "https://127.0.0.1:99\nrecords.example.org\n");
	assert_found(directory, "https://127.0.0.1:5000", "");
	write_file(directory, "something else\n");
	assert_found(directory, "https://127.0.0.1:5000", "");
	snprintf(path, sizeof(path), "%s/server.url", directory);
	cr_assert(unlink(path) == 0 && rmdir(directory) == 0);
}
