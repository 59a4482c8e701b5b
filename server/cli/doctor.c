#include "server/doctor/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/json/json.h"

static const struct {
	const char *name;
	doctor_check *run;
} CHECKS[] = {
	{"server", doctor_server},
	{"configuration", doctor_configuration},
	{"exposure", doctor_exposure},
	{"config-file", doctor_config_file},
	{"directory", doctor_directory},
	{"files", doctor_files},
	{"space", doctor_space},
	{"file-system", doctor_filesystem},
	{"sync", doctor_sync},
	{"clock", doctor_clock},
	{"certificate", doctor_certificate},
	{"local-ca", doctor_local_ca},
	{"protection", doctor_protection},
	{"keys", doctor_keys},
	{"memory", doctor_memory},
	{"swap", doctor_swap},
	{"tracing", doctor_tracing},
	{"descriptors", doctor_descriptors},
	{"versions", doctor_versions},
};

/* ---- findings ---- */

void doctor_tell(struct doctor *doctor, enum doctor_grade grade, const char *advice, const char *format, ...)
{
	struct doctor_finding *grown = realloc(doctor->findings, (doctor->count + 1) * sizeof(*grown));
	va_list arguments;

	if (!grown) {
		doctor->no_memory = true;
		return;
	}
	doctor->findings = grown;
	grown = &doctor->findings[doctor->count++];
	*grown = (struct doctor_finding){.check = doctor->check, .grade = grade, .advice = advice};
	va_start(arguments, format);
	vsnprintf(grown->text, sizeof(grown->text), format, arguments);
	va_end(arguments);
}

bool doctor_path(const struct doctor *doctor, const char *name, char *ret_path, size_t room)
{
	return snprintf(ret_path, room, "%s%s%s", doctor->settings->data, name[0] ? "/" : "", name) < (int)room;
}

bool doctor_read(const struct doctor *doctor, const char *path, char *ret_text, size_t room)
{
	char whole[4096];
	FILE *file;
	size_t size;

	if (snprintf(whole, sizeof(whole), "%s%s", doctor->root, path) >= (int)sizeof(whole) ||
	    !(file = fopen(whole, "re")))
		return false;
	size = fread(ret_text, 1, room - 1, file);
	ret_text[size] = '\0';
	(void)fclose(file); /* it was read */
	return true;
}

enum doctor_grade doctor_worst(const struct doctor *doctor)
{
	enum doctor_grade worst = DOCTOR_OK;

	for (size_t i = 0; i < doctor->count; i++)
		if (doctor->findings[i].grade > worst)
			worst = doctor->findings[i].grade;
	return worst;
}

void doctor_run(struct doctor *doctor)
{
	for (size_t i = 0; i < sizeof(CHECKS) / sizeof(CHECKS[0]); i++) {
		doctor->check = CHECKS[i].name;
		CHECKS[i].run(doctor);
	}
}

void doctor_done(struct doctor *doctor)
{
	free(doctor->findings);
	doctor->findings = NULL;
	doctor->count = 0;
}

/* ---- printing ---- */

static const char *grade_name(enum doctor_grade grade, bool loud)
{
	static const char *const NAMES[DOCTOR_GRADES][2] = {
		[DOCTOR_OK] = {"ok", "OK"},
		[DOCTOR_NOTE] = {"note", "NOTE"},
		[DOCTOR_WARN] = {"warn", "WARN"},
		[DOCTOR_FAIL] = {"fail", "FAIL"},
	};

	return NAMES[grade][loud];
}

void doctor_print(const struct doctor *doctor, FILE *out)
{
	size_t grades[DOCTOR_GRADES] = {0};

	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_finding *finding = &doctor->findings[i];

		grades[finding->grade]++;
		fprintf(out, "%-4s  %-13s  %s%s%s\n", grade_name(finding->grade, true), finding->check, finding->text,
			finding->advice ? "; " : "", finding->advice ? finding->advice : "");
	}
	fprintf(out, "%zu ok, %zu notes, %zu warnings, %zu failures\n", grades[DOCTOR_OK], grades[DOCTOR_NOTE],
		grades[DOCTOR_WARN], grades[DOCTOR_FAIL]);
}

void doctor_print_json(const struct doctor *doctor, FILE *out)
{
	struct json *doc = json_new();
	size_t size;
	char *text;

	json_text(doc, "worst", grade_name(doctor_worst(doctor), false));
	json_open_array(doc, "findings");
	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_finding *finding = &doctor->findings[i];

		json_open_object(doc, NULL);
		json_text(doc, "check", finding->check);
		json_text(doc, "grade", grade_name(finding->grade, false));
		json_text(doc, "text", finding->text);
		if (finding->advice)
			json_text(doc, "advice", finding->advice);
		json_close(doc);
	}
	json_close(doc);
	text = json_print(doc, &size);
	json_free(doc);
	fprintf(out, "%s\n", text ? text : "{\"worst\":\"fail\",\"findings\":[]}");
	free(text);
}

/* ---- the command ---- */

enum { EXIT_WELL = 0, EXIT_WARNED = 1, EXIT_FAILED = 2 };

/* Takes --json out of the arguments: the rest are settings. */
static bool take_json(int *argc, char **argv)
{
	bool json = false;
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	*argc = kept;
	return json;
}

/* A configuration that cannot be read is a finding, and the only one: nobody knows what else to look at. */
static void tell_unreadable(struct doctor *doctor, char *errors)
{
	static const char PREFIX[] = "coffer: ";
	char *line = strncmp(errors, PREFIX, sizeof(PREFIX) - 1) == 0 ? errors + sizeof(PREFIX) - 1 : errors;

	line[strcspn(line, "\n")] = '\0';
	doctor->check = "configuration";
	doctor_tell(doctor, DOCTOR_FAIL, "coffer serve does not start with it", "%s", line);
}

static int examine(const struct settings *settings, char *errors, bool json)
{
	struct doctor doctor = {.settings = settings, .root = ""};
	int exit_status;

	if (errors)
		tell_unreadable(&doctor, errors);
	else
		doctor_run(&doctor);
	if (json)
		doctor_print_json(&doctor, stdout);
	else
		doctor_print(&doctor, stdout);
	if (doctor.no_memory)
		fputs("coffer: out of memory: there are more findings\n", stderr);
	exit_status = doctor.no_memory || doctor_worst(&doctor) == DOCTOR_FAIL ? EXIT_FAILED
		      : doctor_worst(&doctor) == DOCTOR_WARN		       ? EXIT_WARNED
									       : EXIT_WELL;
	doctor_done(&doctor);
	return exit_status;
}

int command_doctor(int argc, char **argv)
{
	const bool json = take_json(&argc, argv);
	struct settings settings = {.data = NULL};
	char *errors = NULL;
	size_t size = 0;
	FILE *told = open_memstream(&errors, &size);
	enum settings_status loaded;
	int exit_status = EXIT_FAILED;

	if (!told) {
		fputs("coffer: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	harden_process();
	loaded = settings_load(&settings, argc, argv, told);
	if (fclose(told) != 0)
		fputs("coffer: out of memory\n", stderr);
	else if (loaded == SETTINGS_HELP) {
		settings_help(
			"coffer doctor [--json] [--data DIR] [--config FILE] [OPTION]...",
			"Looks at what a server with these settings depends on: its directory, files, disk, clock, "
			"certificate,\nkeys, limits, kernel and configuration. A line for each finding: OK, NOTE, "
			"WARN or FAIL, and what to do.\nIt changes nothing, and may run beside the server. Run it "
			"as the server's user, with its settings.\nExit status: 0 when there is nothing but notes, 1 "
			"when there are warnings, 2 when there are failures.",
			stdout);
		puts("  --json\n      the findings as JSON, for programs");
		exit_status = 0;
	} else {
		exit_status = examine(&settings, loaded == SETTINGS_OK ? NULL : errors, json);
	}
	free(errors);
	settings_done(&settings);
	return exit_status;
}
