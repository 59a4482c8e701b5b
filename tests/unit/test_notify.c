#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/service/notify.h"

/* A manager's end: the socket of this name, '@' for an abstract one; NOTIFY_SOCKET says so. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t size = strlen(name);
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(address.sun_path, name, size);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + size)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *heard(int fd)
{
	static char message[8192];
	const ssize_t size = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);

	cr_assert_geq(size, 0, "nothing was sent");
	message[size] = '\0';
	return message;
}

static void temporary_name(char name[64])
{
	snprintf(name, 64, "/tmp/coffer-notify-%d", (int)getpid());
	unlink(name);
}

Test(notify, tells_a_socket_of_a_path)
{
	struct notify notify;
	char name[64];
	int fd;

	temporary_name(name);
	fd = listen_at(name);
	cr_assert(notify_init(&notify));
	cr_assert(notify_wanted(&notify));
	cr_assert(notify_send(&notify, "STATUS=%s %d", "port", 8443));
	cr_assert_str_eq(heard(fd), "STATUS=port 8443");
	notify_done(&notify);
	close(fd);
	unlink(name);
}

Test(notify, tells_an_abstract_socket)
{
	struct notify notify;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "@coffer-notify-%d", (int)getpid());
	fd = listen_at(name);
	cr_assert(notify_init(&notify));
	cr_assert(notify_send(&notify, "READY=1"));
	cr_assert_str_eq(heard(fd), "READY=1");
	notify_done(&notify);
	close(fd);
}

Test(notify, is_silent_where_nobody_listens)
{
	struct notify notify;

	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "1000000", 1);
	cr_assert(notify_init(&notify));
	cr_assert_not(notify_wanted(&notify));
	cr_assert_eq(notify.watchdog_ms, 0);
	cr_assert(notify_send(&notify, "READY=1"));
	notify_done(&notify);
}

Test(notify, refuses_names_that_are_no_socket_here)
{
	static const char *const names[] = {"relative", "vsock:2:1234", "@", "/"};
	char long_name[200] = "/";
	struct notify notify;

	memset(long_name + 1, 'x', sizeof(long_name) - 2);
	for (size_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", i < sizeof(names) / sizeof(names[0]) ? names[i] : long_name, 1);
		cr_assert_not(notify_init(&notify));
		cr_assert_eq(errno, EAFNOSUPPORT);
		cr_assert_not(notify_wanted(&notify));
		notify_done(&notify);
	}
}

Test(notify, says_when_a_message_was_not_taken)
{
	char name[64], big[5000];
	struct notify notify;
	int fd;

	temporary_name(name);
	fd = listen_at(name);
	cr_assert(notify_init(&notify));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	cr_assert_not(notify_send(&notify, "STATUS=%s", big));
	cr_assert_eq(errno, EMSGSIZE);
	close(fd);
	cr_assert_not(notify_send(&notify, "READY=1"));
	cr_assert_eq(errno, ECONNREFUSED);
	unlink(name);
	cr_assert_not(notify_send(&notify, "READY=1"));
	cr_assert_eq(errno, ENOENT);
	notify_done(&notify);
}

Test(notify, does_not_hang_on_a_manager_that_does_not_read)
{
	struct notify notify;
	char name[64];
	int fd;
	bool taken = true;

	temporary_name(name);
	fd = listen_at(name);
	cr_assert(notify_init(&notify));
	for (int i = 0; i < 100000 && taken; i++)
		taken = notify_send(&notify, "WATCHDOG=1");
	cr_assert_not(taken);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_str_eq(heard(fd), "WATCHDOG=1");
	notify_done(&notify);
	close(fd);
	unlink(name);
}

Test(notify, takes_the_watchdog_that_is_its_own)
{
	static const struct {
		const char *usec;
		int pid; /* 0: none is named; 1: somebody else's; 2: this process's */
		uint64_t ms;
	} cases[] = {
		{"3000000", 0, 3000}, {"3000000", 2, 3000}, {"3000000", 1, 0}, {"", 0, 0},
		{"-1", 0, 0},	      {"3000000x", 0, 0},   {"0", 0, 0},
	};
	struct notify notify;
	char name[64];
	int fd;

	temporary_name(name);
	fd = listen_at(name);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", cases[i].pid == 1 ? 1 : (int)getpid());
		setenv("NOTIFY_SOCKET", name, 1);
		setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", pid, 1);
		cr_assert(notify_init(&notify));
		cr_assert_eq(notify.watchdog_ms, cases[i].ms, "case %zu", i);
		cr_assert_null(getenv("NOTIFY_SOCKET"));
		cr_assert_null(getenv("WATCHDOG_USEC"));
		cr_assert_null(getenv("WATCHDOG_PID"));
		notify_done(&notify);
	}
	close(fd);
	unlink(name);
}

Test(notify, reloading_comes_with_the_time)
{
	struct timespec before, after;
	struct notify notify;
	uint64_t usec;
	char name[64];
	int fd;

	temporary_name(name);
	fd = listen_at(name);
	cr_assert(notify_init(&notify));
	clock_gettime(CLOCK_MONOTONIC, &before);
	cr_assert(notify_reloading(&notify));
	clock_gettime(CLOCK_MONOTONIC, &after);
	cr_assert_eq(sscanf(heard(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec), 1);
	cr_assert_geq(usec, (uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000);
	cr_assert_leq(usec, (uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000);
	notify_done(&notify);
	close(fd);
	unlink(name);
}
