#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/http/listener.h"

static char directory[] = "/tmp/coffer-listener-XXXXXX";
static char path[64], address[80];

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	snprintf(address, sizeof(address), "unix:%s", path);
}

static void tear_down(void)
{
	(void)unlink(path);
	cr_expect_eq(rmdir(directory), 0);
}

static bool reaches(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool good;

	strcpy(to.sun_path, path);
	good = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
	close(fd);
	return good;
}

Test(listener, plain_http_is_for_this_machine_only)
{
	static const char *const GOOD[] = {"127.0.0.1:5000", "127.255.0.1:0", "localhost:80", "[::1]:5000", "unix:/x"};
	static const char *const BAD[] = {"0.0.0.0:80",
					  "[::]:80",
					  "192.0.2.1:80",
					  "[2001:db8::1]:80",
					  "[::ffff:192.0.2.1]:80",
					  "",
					  "unix:",
					  "unix:x",
					  "/x",
					  "example.org:80",
					  "127.0.0.1",
					  "unix:/a/very/long/path/that/does/not/fit/into/the/address/of/a/socket/"
					  "since/that/has/but/a/hundred/and/eight/bytes"};
	struct listener listener;

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
		cr_expect(http_plain_address(GOOD[i]), "%s", GOOD[i]);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		cr_expect(!http_plain_address(BAD[i]), "%s", BAD[i]);
		cr_expect_eq(listener_open_plain(BAD[i], 0600, &listener), HTTP_ADDRESS, "%s", BAD[i]);
	}
}

Test(listener, a_port_is_taken_once)
{
	struct listener first, second;
	char again[40];

	cr_assert_eq(listener_open_plain("127.0.0.1:0", 0, &first), HTTP_OK);
	cr_expect(first.plain && first.port != 0 && first.path == NULL);
	snprintf(again, sizeof(again), "127.0.0.1:%u", first.port);
	cr_expect_eq(listener_open(again, &second), HTTP_IN_USE);
	listener_close(&first);
	cr_expect_eq(first.fd, -1);
	listener_close(&first);
}

Test(listener, a_unix_socket_has_its_mode_whatever_the_umask_and_is_removed, .init = set_up, .fini = tear_down)
{
	static const unsigned MODES[] = {0600, 0660, 0666, 0777};
	struct listener listener;
	struct stat found;

	umask(077);
	for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
		cr_assert_eq(listener_open_plain(address, MODES[i], &listener), HTTP_OK);
		cr_assert_eq(stat(path, &found), 0);
		cr_expect(S_ISSOCK(found.st_mode));
		cr_expect_eq(found.st_mode & 07777, MODES[i], "%o", found.st_mode & 07777);
		cr_expect(listener.plain && listener.port == 0);
		cr_expect(reaches());
		listener_close(&listener);
		cr_expect_neq(stat(path, &found), 0);
	}
}

Test(listener, the_socket_of_a_live_server_is_left_alone_and_a_dead_ones_replaced, .init = set_up, .fini = tear_down)
{
	struct listener live, second = LISTENER_NONE;

	cr_assert_eq(listener_open_plain(address, 0600, &live), HTTP_OK);
	cr_expect_eq(listener_open_plain(address, 0600, &second), HTTP_IN_USE);
	cr_expect(reaches());
	/* As if it had been killed: the file stays. */
	close(live.fd);
	cr_expect(!reaches());
	cr_assert_eq(listener_open_plain(address, 0600, &second), HTTP_OK);
	cr_expect(reaches());
	listener_close(&second);
	free(live.path);
}

Test(listener, a_successors_socket_is_left_alone, .init = set_up, .fini = tear_down)
{
	struct listener first, second;

	cr_assert_eq(listener_open_plain(address, 0600, &first), HTTP_OK);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(listener_open_plain(address, 0600, &second), HTTP_OK);
	listener_close(&first);
	cr_expect(reaches());
	listener_close(&second);
}

Test(listener, what_is_no_socket_is_left_alone, .init = set_up, .fini = tear_down)
{
	struct listener listener;
	struct stat found;
	const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	close(fd);
	cr_expect_eq(listener_open_plain(address, 0600, &listener), HTTP_NOT_SOCKET);
	cr_expect_eq(stat(path, &found), 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("/nowhere", path), 0);
	cr_expect_eq(listener_open_plain(address, 0600, &listener), HTTP_NOT_SOCKET);
}

Test(listener, a_directory_that_is_not_there_is_told, .init = set_up, .fini = tear_down)
{
	struct listener listener;

	strcat(address, "/s");
	cr_expect_eq(listener_open_plain(address, 0600, &listener), HTTP_SYSTEM);
}
