#include <stdio.h>

#include "server/api/api.h"
#include "server/cli/commands.h"

int command_routes(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("usage: coffer routes\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < API_ROUTE_COUNT; i++)
		printf("%s %s %s\n", API_ROUTES[i].method, API_ROUTES[i].path, API_ROUTES[i].operation);
	return 0;
}
