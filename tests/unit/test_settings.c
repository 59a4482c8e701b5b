#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/settings/settings.h"
#include "server/settings/settings_value.h"

struct run {
	struct settings settings;
	enum settings_status status;
	char *errors;
};

/* Loads from a NULL-terminated list of arguments after the command's name. */
static struct run load(const char *const *arguments)
{
	struct run run = {.errors = NULL};
	char *argv[8] = {strdup("serve")};
	int argc = 1;
	size_t size;
	FILE *errors = open_memstream(&run.errors, &size);

	for (; arguments[argc - 1] != NULL; argc++)
		argv[argc] = strdup(arguments[argc - 1]);
	run.status = settings_load(&run.settings, argc, argv, errors);
	fclose(errors);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return run;
}

#define LOAD(...) load((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void done(struct run *run)
{
	if (run->status == SETTINGS_OK)
		settings_done(&run->settings);
	free(run->errors);
}

static void write_file(char path[static 32], const char *text)
{
	strcpy(path, "/tmp/settings-XXXXXX");
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct run load_file(const char *text)
{
	char path[32];
	write_file(path, text);
	struct run run = LOAD("--config", path);
	unlink(path);
	return run;
}

Test(settings, defaults_are_the_documented_ones)
{
	struct run run = LOAD();
	cr_assert_eq(run.status, SETTINGS_OK);
	cr_expect_str_eq(run.settings.data, "./coffer-data");
	cr_expect_str_eq(run.settings.listen, "127.0.0.1:8443");
	cr_expect_str_eq(run.settings.host_name, "");
	cr_expect_str_eq(run.settings.access_log, "-");
	cr_expect_eq(run.settings.max_record_size, UINT64_C(1) << 30);
	cr_expect_eq(run.settings.log_level, SETTINGS_LOG_INFO);
	cr_expect_eq(run.settings.kek_bits, 3072);
	cr_expect_eq(run.settings.hello_timeout, 10000);
	cr_expect_eq(run.settings.idle_timeout, 75000);
	cr_expect_eq(run.settings.idempotency_ttl, 86400000);
	cr_expect_eq(run.settings.disk_reserve, 64u << 20);
	done(&run);
}

Test(settings, command_line_beats_environment_beats_file)
{
	char path[32];
	write_file(path, "loops = 1\nworkers = 1\nqueue_depth = 1\n");
	setenv("COFFER_LOOPS", "2", 1);
	setenv("COFFER_WORKERS", "2", 1);
	struct run run = LOAD("--loops=3", "--config", path);
	unlink(path);
	cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
	cr_expect_eq(run.settings.loops, 3);
	cr_expect_eq(run.settings.workers, 2);
	cr_expect_eq(run.settings.queue_depth, 1);
	done(&run);
}

Test(settings, options_take_dashes_or_underscores_and_the_last_wins)
{
	struct run run = LOAD("--idle-timeout", "5min", "--max_record_size=2KiB", "--idle-timeout=1500ms");
	cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
	cr_expect_eq(run.settings.idle_timeout, 1500);
	cr_expect_eq(run.settings.max_record_size, 2048);
	done(&run);
}

Test(settings, a_switch_may_stand_alone_or_say_which)
{
	static const struct {
		const char *arguments[3];
		unsigned wanted;
	} forms[] = {
		{{"--ingest-only", NULL, NULL}, 1},	   {{"--ingest-only", "on", NULL}, 1},
		{{"--ingest-only", "off", NULL}, 0},	   {{"--ingest-only=off", NULL, NULL}, 0},
		{{"--ingest-only", "--loops=3", NULL}, 1},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct run run = forms[i].arguments[1] ? LOAD(forms[i].arguments[0], forms[i].arguments[1])
						       : LOAD(forms[i].arguments[0]);

		cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
		cr_expect_eq(run.settings.ingest_only, forms[i].wanted, "form %zu", i);
		cr_expect_eq(run.settings.epoch_wraps, 1);
		done(&run);
	}
	struct run run = LOAD("--ingest-only", "maybe");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	done(&run);
}

Test(settings, a_list_grows_on_the_command_line_and_replaces_weaker_ones)
{
	setenv("COFFER_HOST_NAME", "c", 1);
	setenv("COFFER_DOMAIN", "a.example.org", 1);
	struct run run = LOAD("--host-name", "a,b", "--host-name=d", "--data", "one", "--data", "two");
	cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
	cr_expect_str_eq(run.settings.host_name, "a,b,d");
	cr_expect_str_eq(run.settings.domain, "a.example.org");
	cr_expect_str_eq(run.settings.data, "two");
	done(&run);
}

Test(settings, a_domain_changes_where_to_listen_unless_that_is_set)
{
	struct run run = LOAD("--domain", "a.example.org");
	cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
	cr_expect_str_eq(run.settings.listen, "[::]:443");
	cr_expect_str_eq(run.settings.http_redirect, "[::]:80");
	done(&run);
	run = load_file("domain = a.example.org\nlisten = 127.0.0.1:1\n");
	cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
	cr_expect_str_eq(run.settings.listen, "127.0.0.1:1");
	cr_expect_str_eq(run.settings.http_redirect, "[::]:80");
	done(&run);
	run = LOAD("--http-redirect", "127.0.0.1:2");
	cr_expect_str_eq(run.settings.listen, "127.0.0.1:8443");
	cr_expect_str_eq(run.settings.http_redirect, "127.0.0.1:2");
	done(&run);
}

static const struct {
	const char *option, *value;
	bool good;
} values[] = {
	{"--domain", "records.example.org", true},
	{"--domain", "a.example.org,b-c.Example.org,9.example.org", true},
	{"--domain", "", true},
	{"--domain", "localhost", false},
	{"--domain", "*.example.org", false},
	{"--domain", "example.org.", false},
	{"--domain", ".example.org", false},
	{"--domain", "a..example.org", false},
	{"--domain", "-a.example.org", false},
	{"--domain", "a-.example.org", false},
	{"--domain", "a.example.org,", false},
	{"--domain", "a.example.org,,b.example.org", false},
	{"--domain", "a_b.example.org", false},
	{"--domain", "a/b.example.org", false},
	{"--domain", "127.0.0.1", false},
	{"--domain", "::1", false},
	{"--domain", "a.example.0x", true},
	{"--acme-email", "", true},
	{"--acme-email", "it+acme@clinic.example.org", true},
	{"--acme-email", "clinic.example.org", false},
	{"--acme-email", "@clinic.example.org", false},
	{"--acme-email", "-v@clinic.example.org", false},
	{"--acme-email", "a\"b@clinic.example.org", false},
	{"--acme-email", "a@b@clinic.example.org", false},
	{"--acme-email", "a@localhost", false},
	{"--acme-directory", "", true},
	{"--acme-directory", "https://127.0.0.1:14000/dir", true},
	{"--acme-directory", "https://[::1]:14000/dir", true},
	{"--acme-directory", "https://ca.example.org/acme/directory", true},
	{"--acme-directory", "http://ca.example.org/directory", false},
	{"--acme-directory", "https:///directory", false},
	{"--acme-directory", "https://ca.example.org/a b", false},
	{"--acme-directory", "https://ca.example.org/?a", false},
	{"--acme-directory", "https://user@ca.example.org/", false},
	{"--http-redirect", "off", true},
	{"--http-redirect", "[::]:80", true},
	{"--http-redirect", "on", false},
	{"--http-redirect", "80", false},
	{"--loops", "256", true},
	{"--loops", "257", false},
	{"--loops", "-1", false},
	{"--loops", "", false},
	{"--loops", " 1", false},
	{"--loops", "1x", false},
	{"--loops", "99999999999999999999999", false},
	{"--hello-timeout", "10", false},
	{"--hello-timeout", "0s", false},
	{"--hello-timeout", "1h", true},
	{"--hello-timeout", "2h", false},
	{"--hello-timeout", "1.5s", false},
	{"--stage-size", "65536", true},
	{"--stage-size", "4MB", false},
	{"--max-record-size", "99999999999GiB", false},
	{"--kek-bits", "4096", true},
	{"--kek-bits", "1024", false},
	{"--log-level", "debug", true},
	{"--log-level", "Debug", false},
	{"--listen", "0.0.0.0:0", true},
	{"--listen", "[::1]:65535", true},
	{"--listen", "127.0.0.1:65536", false},
	{"--listen", "127.0.0.1", false},
	{"--listen", "::1:80", false},
	{"--listen", "[::1:80", false},
	{"--listen", "[]:80", false},
	{"--listen", ":80", false},
	{"--listen", "off", true},
	{"--listen", "on", false},
	{"--http", "", true},
	{"--http", "127.0.0.1:5000", true},
	{"--http", "[::1]:0", true},
	{"--http", "unix:/run/coffer/http", true},
	{"--http", "0.0.0.0:5000", false},
	{"--http", "[::]:5000", false},
	{"--http", "192.0.2.1:5000", false},
	{"--http", "127.0.0.1:70000", false},
	{"--http", "127.0.0.1", false},
	{"--http", "unix:run", false},
	{"--http-mode", "0660", true},
	{"--http-mode", "600", true},
	{"--http-mode", "1660", false},
	{"--http-mode", "66", false},
	{"--http-mode", "0680", false},
	{"--trusted-proxy", "", true},
	{"--trusted-proxy", "127.0.0.1,10.0.0.0/8,::1,unix", true},
	{"--trusted-proxy", "proxy.example", false},
	{"--host-name", "a.example,10.0.0.1,::1", true},
	{"--host-name", "", true},
	{"--host-name", "a,,b", false},
	{"--host-name", "a,", false},
	{"--data", "", false},
	{"--data", "a\nb", false},
};

Test(settings, values_outside_their_form_are_refused_by_name)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct run run = LOAD(values[i].option, values[i].value);
		cr_expect_eq(run.status, values[i].good ? SETTINGS_OK : SETTINGS_INVALID, "%s %s: %s", values[i].option,
			     values[i].value, run.errors);
		if (!values[i].good)
			cr_expect_not_null(strstr(run.errors, "expected "), "%s", run.errors);
		done(&run);
	}
}

Test(settings, errors_name_source_and_key_but_not_the_value)
{
	setenv("COFFER_KEK_BITS", "sesame", 1);
	struct run run = LOAD();
	cr_assert_eq(run.status, SETTINGS_INVALID);
	cr_expect_not_null(strstr(run.errors, "COFFER_KEK_BITS: kek_bits: expected 2048|3072|4096"), "%s", run.errors);
	cr_expect_null(strstr(run.errors, "sesame"));
	done(&run);
}

Test(settings, unknown_names_are_refused_everywhere)
{
	struct run run = LOAD("--loop=sesame");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	cr_expect_not_null(strstr(run.errors, "command line: no setting is named loop;"), "%s", run.errors);
	cr_expect_null(strstr(run.errors, "sesame"));
	done(&run);

	run = load_file("# fine\nloops = 1\nloop = 2\n");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	cr_expect_not_null(strstr(run.errors, ":3: no setting is named loop;"), "%s", run.errors);
	done(&run);
}

Test(settings, an_option_needs_its_value_and_nothing_else_is_taken)
{
	struct run run = LOAD("--loops");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	done(&run);
	run = LOAD("loops");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	done(&run);
	run = LOAD("--help");
	cr_expect_eq(run.status, SETTINGS_HELP);
	done(&run);
}

Test(settings, host_names_are_a_list_of_names_and_addresses)
{
	static const char *const good[] = {"", "a", "a.example,b.example", "192.0.2.7,2001:db8::7,::1",
					   "*.example,a-b.c"};
	static const char *const bad[] = {",", "a,", ",a", "a,,b", "a b", "a:b", "a.*", "*", "*.", ".a", "a/b", "a\"b"};
	struct run run;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		run = LOAD("--host-name", (char *)(uintptr_t)good[i]);
		cr_expect_eq(run.status, SETTINGS_OK, "%s: %s", good[i], run.errors);
		done(&run);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		run = LOAD("--host-name", (char *)(uintptr_t)bad[i]);
		cr_expect_eq(run.status, SETTINGS_INVALID, "%s", bad[i]);
		done(&run);
	}
}

Test(settings, an_origin_is_what_a_client_can_dial)
{
	static const char *const GOOD[] = {"",
					   "https://a",
					   "https://Coffer.Example.org",
					   "https://a:1",
					   "https://a:65535",
					   "https://10.0.0.1:8443",
					   "https://[::1]",
					   "https://[2001:db8::1]:443",
					   "https://a,https://b:2,https://[::1]"};
	static const char *const BAD[] = {"a",
					  "http://a",
					  "HTTPS://a",
					  "https://",
					  "https:///",
					  "https://a/",
					  "https://a/b",
					  "https://u@a",
					  "https://a:",
					  "https://a:0",
					  "https://a:01",
					  "https://a:65536",
					  "https://a:123456",
					  "https://a:b",
					  "https://a:1:2",
					  "https://:1",
					  "https://::1",
					  "https://[]",
					  "https://[::1",
					  "https://[::1]x",
					  "https://[a]",
					  "https://[10.0.0.1]",
					  "https://[*.a]",
					  "https://*.a",
					  "https://*",
					  "https://.a",
					  "https://a b",
					  " https://a",
					  "https://a,",
					  ",https://a",
					  "https://a,,https://b",
					  "https://a, https://b",
					  "https://a\n"};
	char text[400];

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
		cr_expect(settings_check_origins(GOOD[i]), "%s", GOOD[i]);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		cr_expect_not(settings_check_origins(BAD[i]), "%s", BAD[i]);
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://", 8);
	text[8 + 254] = '\0';
	cr_expect_not(settings_check_origins(text), "the longest name has 253 characters");
	text[8 + 253] = '\0';
	cr_expect(settings_check_origins(text));
	strcat(text, ":65535");
	cr_expect(settings_check_origins(text));
}

Test(settings, a_file_that_is_missing_or_malformed_is_said)
{
	struct run run = LOAD("--config", "/nonexistent/coffer.ini");
	cr_expect_eq(run.status, SETTINGS_FILE);
	cr_expect_not_null(strstr(run.errors, "/nonexistent/coffer.ini: "));
	done(&run);
	run = load_file("loops = 1\nnonsense\n");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	cr_expect_not_null(strstr(run.errors, ":2: expected a line"), "%s", run.errors);
	done(&run);
	run = load_file("[server]\nloops = 1\n");
	cr_expect_eq(run.status, SETTINGS_INVALID);
	done(&run);
}

Test(settings, the_file_is_checked_even_where_it_is_overruled)
{
	char path[32];
	write_file(path, "loops = many\n");
	struct run run = LOAD("--loops=3", "--config", path);
	unlink(path);
	cr_expect_eq(run.status, SETTINGS_INVALID);
	done(&run);
}

/* Every length around the buffer sizes of the reader, up to 64 KiB. */
Test(settings, long_lines_of_the_file_arrive_whole)
{
	static const size_t lengths[] = {150, 185, 186, 187, 188, 189, 199, 200, 201, 399, 400, 401, 4096, 65536};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *text = malloc(lengths[i] + 64);
		char *end = stpcpy(text, "access_log = ");
		memset(end, 'x', lengths[i]);
		strcpy(end + lengths[i], "\nloops = 7\n");
		struct run run = load_file(text);
		cr_assert_eq(run.status, SETTINGS_OK, "%zu: %s", lengths[i], run.errors);
		cr_expect_eq(strlen(run.settings.access_log), lengths[i]);
		cr_expect_eq(run.settings.loops, 7);
		done(&run);

		strcpy(end + lengths[i], "\nloops = x\n");
		run = load_file(text);
		cr_expect_not_null(strstr(run.errors, ":2: loops"), "%zu: %.200s", lengths[i], run.errors);
		done(&run);
		free(text);
	}
}

Test(settings, what_is_printed_loads_to_the_same)
{
	struct run run = LOAD("--access-log", "a;b # c", "--idle-timeout=90s", "--shred-delay=0ms", "--disk-reserve=0");
	cr_assert_eq(run.status, SETTINGS_OK, "%s", run.errors);
	char *printed = NULL, *again = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	settings_print(&run.settings, out);
	fclose(out);
	cr_expect_not_null(strstr(printed, "# default\nmax_record_size = 1GiB\n"), "%s", printed);
	cr_expect_not_null(strstr(printed, "# command line\nidle_timeout = 90s\n"), "%s", printed);

	struct run second = load_file(printed);
	cr_assert_eq(second.status, SETTINGS_OK, "%s", second.errors);
	memset(second.settings.source, 0, sizeof(second.settings.source));
	memset(run.settings.source, 0, sizeof(run.settings.source));
	free(printed);
	out = open_memstream(&printed, &size);
	settings_print(&run.settings, out);
	fclose(out);
	out = open_memstream(&again, &size);
	settings_print(&second.settings, out);
	fclose(out);
	cr_expect_str_eq(printed, again);
	free(printed);
	free(again);
	done(&run);
	done(&second);
}

Test(settings, help_names_every_option)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	settings_help("coffer serve", "Serves.", out);
	fclose(out);
	cr_expect_not_null(strstr(text, "--drain-timeout VALUE"));
	cr_expect_not_null(strstr(text, "COFFER_KEK_BITS"));
	free(text);
}
