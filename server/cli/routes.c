#include <stdio.h>

#include "server/api/api.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"

int command_routes(int argc, char **argv)
{
	static const struct arguments ARGUMENTS = {
		.usage = "coffer routes",
		.about = "Prints a line for each route of the API: method, path, operation.",
	};
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, NULL, stdout, stderr);

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	for (size_t i = 0; i < API_ROUTE_COUNT; i++)
		printf("%s %s %s\n", API_ROUTES[i].method, API_ROUTES[i].path, API_ROUTES[i].operation);
	return 0;
}
