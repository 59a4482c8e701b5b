#include "server/cli/listen_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char PRIVILEGE[] =
	". Ports below 1024 are for those with CAP_NET_BIND_SERVICE: AmbientCapabilities=CAP_NET_BIND_SERVICE in the "
	"unit of systemd, setcap cap_net_bind_service=+ep on the program, or sysctl "
	"net.ipv4.ip_unprivileged_port_start";

void listen_error(enum http_status status, const char *listen, const char *option, char *ret_error, size_t error_size)
{
	snprintf(ret_error, error_size, "cannot listen on %s: %s (%s changes it)%s", listen,
		 status == HTTP_IN_USE	  ? "the port is in use"
		 : status == HTTP_ADDRESS ? "the machine has no such address"
		 : status == HTTP_NOMEM	  ? "out of memory"
					  : strerror(errno),
		 option, status == HTTP_NOT_ALLOWED ? PRIVILEGE : "");
}
