#include "server/cli/commands.h"
#include "server/settings/settings.h"

int command_config(int argc, char **argv)
{
	struct settings settings = {0};
	const enum settings_status loaded = settings_load(&settings, argc, argv, stderr);

	if (loaded == SETTINGS_OK)
		settings_print(&settings, stdout);
	else if (loaded == SETTINGS_HELP)
		settings_help("coffer config [OPTION]...",
			      "Prints the settings in force, each with its source, as --config reads them.", stdout);
	settings_done(&settings);
	return loaded == SETTINGS_OK || loaded == SETTINGS_HELP ? 0 : 2;
}
