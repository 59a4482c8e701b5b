#include "server/service/listen_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char PRIVILEGE[] =
	". Ports below 1024 are for those with CAP_NET_BIND_SERVICE: AmbientCapabilities=CAP_NET_BIND_SERVICE in the "
	"unit of systemd, setcap cap_net_bind_service=+ep on the program, or sysctl "
	"net.ipv4.ip_unprivileged_port_start";

static const char *reason(enum http_status status, const char *listen)
{
	switch (status) {
	case HTTP_IN_USE:
		return strncmp(listen, "unix:", 5) == 0 ? "another server listens there" : "the port is in use";
	case HTTP_ADDRESS:
		return "the machine has no such address";
	case HTTP_NOT_SOCKET:
		return "there is a file that is no socket";
	case HTTP_NOMEM:
		return "out of memory";
	case HTTP_OK:
	case HTTP_NOT_ALLOWED:
	case HTTP_SYSTEM:
		break;
	}
	return strerror(errno);
}

void listen_error(enum http_status status, const char *listen, const char *option, char *ret_error, size_t error_size)
{
	snprintf(ret_error, error_size, "cannot listen on %s: %s (%s changes it)%s", listen, reason(status, listen),
		 option, status == HTTP_NOT_ALLOWED && strncmp(listen, "unix:", 5) != 0 ? PRIVILEGE : "");
}
