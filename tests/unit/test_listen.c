#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/http/listen.h"
#include "server/service/listen_error.h"

static enum http_status open_close(const char *text, uint16_t *ret_port)
{
	int fd = -1;
	const enum http_status status = listen_open(text, 1, &fd, ret_port);

	if (status == HTTP_OK)
		close(fd);
	return status;
}

Test(listen, a_free_port_is_told)
{
	static const char *const TEXTS[] = {"127.0.0.1:0", "localhost:0", "[::1]:0", "0.0.0.0:0", "[::]:0"};

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		uint16_t port = 0;

		cr_expect_eq(open_close(TEXTS[i], &port), HTTP_OK, "%s", TEXTS[i]);
		cr_expect_neq(port, 0);
	}
}

Test(listen, what_is_no_address_is_refused)
{
	static const char *const TEXTS[] = {
		"", ":80", "127.0.0.1", "127.0.0.1:", "example.org:80", "127.0.0.1:http", "[::1:80"};
	uint16_t port;

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
		cr_expect_eq(open_close(TEXTS[i], &port), HTTP_ADDRESS, "%s", TEXTS[i]);
	cr_expect_eq(open_close("192.0.2.1:0", &port), HTTP_ADDRESS); /* nobody's */
}

Test(listen, a_port_in_use_is_told_as_such)
{
	char text[32];
	uint16_t port, again;
	int fd;

	cr_assert_eq(listen_open("127.0.0.1:0", 1, &fd, &port), HTTP_OK);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	cr_expect_eq(open_close(text, &again), HTTP_IN_USE);
	close(fd);
}

/* From now on the process has a kernel that knows no IPv6. */
static void forbid_ipv6(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	cr_assert_eq(socket(AF_INET6, SOCK_STREAM, 0), -1);
}

Test(listen, without_ipv6_all_addresses_are_those_of_ipv4)
{
	uint16_t port = 0;

	forbid_ipv6();
	cr_expect_eq(open_close("[::]:0", &port), HTTP_OK);
	cr_expect_neq(port, 0);
	cr_expect_eq(open_close("[::1]:0", &port), HTTP_SYSTEM);
}

Test(listen, an_error_says_which_option_changes_it_and_what_helps)
{
	char text[1024];

	errno = EACCES;
	listen_error(HTTP_NOT_ALLOWED, "[::]:80", "--http-redirect", text, sizeof(text));
	cr_expect(strstr(text, "cannot listen on [::]:80: Permission denied (--http-redirect changes it)"), "%s", text);
	cr_expect(strstr(text, "CAP_NET_BIND_SERVICE"), "%s", text);
	listen_error(HTTP_IN_USE, "127.0.0.1:1", "--listen", text, sizeof(text));
	cr_expect_str_eq(text, "cannot listen on 127.0.0.1:1: the port is in use (--listen changes it)");
}
