/* Of its own, since the kernel's struct tcp_info and the C library's older one do not go together. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "server/http/internal.h"

uint64_t socket_sent(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}
