/*
 * Findings that come and go with what the kernel says, in a tree that stands for /proc and /sys; and those judgements
 * that no machine at hand can be brought to. What files and settings bring about is tested over the command.
 */
#include <criterion/criterion.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "server/doctor/doctor.h"
#include "tests/unit/support/fixture.h"

/* This program's own stands before the C library's. */
static bool no_dontdump;

int madvise(void *address, size_t size, int advice)
{
	if (no_dontdump && advice == MADV_DONTDUMP)
		return -1;
	return (int)syscall(SYS_madvise, address, size, advice);
}

static char root[64], data[80];
static struct settings settings;
static struct doctor doctor;

static void load(const char *max_connections)
{
	char *arguments[] = {
		(char[]){"doctor"}, (char[]){"--data"}, data, (char[]){"--max-connections"}, (char[16]){""}, NULL};

	strcpy(arguments[4], max_connections);
	settings_done(&settings);
	cr_assert_eq(settings_load(&settings, 5, arguments, stderr), SETTINGS_OK);
}

static void setup(void)
{
	fixture_directory(root, sizeof(root));
	snprintf(data, sizeof(data), "%s/data", root);
	cr_assert_eq(mkdir(data, 0700), 0);
	settings = (struct settings){.data = NULL};
	load("10000");
	doctor = (struct doctor){.settings = &settings, .root = root, .check = "test"};
}

static void teardown(void)
{
	doctor_done(&doctor);
	settings_done(&settings);
	fixture_remove(root);
}

TestSuite(doctor, .init = setup, .fini = teardown);

static void put(const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(whole, 0700);
	}
	file = fopen(whole, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Runs one check anew. */
static void look(doctor_check *check)
{
	doctor_done(&doctor);
	check(&doctor);
}

/* How many findings have this grade and these words. */
static size_t found(enum doctor_grade grade, const char *words)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor.count; i++)
		count += doctor.findings[i].grade == grade && strstr(doctor.findings[i].text, words) != NULL;
	return count;
}

static void assert_only(enum doctor_grade grade, const char *words)
{
	cr_assert_eq(doctor.count, 1);
	cr_assert_eq(doctor.findings[0].grade, grade, "%d: %s", doctor.findings[0].grade, doctor.findings[0].text);
	cr_assert(strstr(doctor.findings[0].text, words), "%s", doctor.findings[0].text);
	cr_assert((doctor.findings[0].advice != NULL) == (grade != DOCTOR_OK));
}

static void put_limits(const char *path, const char *locked, const char *files)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "Limit                     Soft Limit           Hard Limit           Units     \n"
		 "Max open files            1024                 %-20s files     \n"
		 "Max locked memory         %-20s %-20s bytes     \n",
		 files, locked, locked);
	put(path, text);
}

Test(doctor, files_that_may_be_open_are_held_against_the_connections)
{
	put_limits("/proc/self/limits", "unlimited", "4096");
	look(doctor_descriptors);
	assert_only(DOCTOR_WARN, "4096 files may be open");
	load("1000");
	look(doctor_descriptors);
	assert_only(DOCTOR_OK, "1000 connections");
	load("10000");
	put_limits("/proc/self/limits", "unlimited", "unlimited");
	look(doctor_descriptors);
	assert_only(DOCTOR_OK, "10000 connections");
}

Test(doctor, the_limits_are_those_of_the_server_that_runs)
{
	put_limits("/proc/self/limits", "unlimited", "1048576");
	put_limits("/proc/4711/limits", "65535", "2000");
	look(doctor_descriptors);
	assert_only(DOCTOR_OK, "");
	doctor.server = 4711;
	look(doctor_descriptors);
	assert_only(DOCTOR_WARN, "2000 files");
	look(doctor_memory);
	cr_assert_eq(found(DOCTOR_FAIL, "only 64.0 KiB of memory can be locked"), 1);
}

Test(doctor, memory_that_can_be_locked)
{
	static const struct {
		const char *limit;
		enum doctor_grade grade;
		const char *words;
	} ROWS[] = {
		{"32768", DOCTOR_FAIL, "only 32.0 KiB"},
		{"65536", DOCTOR_NOTE, "64.0 KiB"},
		{"8388608", DOCTOR_OK, "8.0 MiB"},
		{"unlimited", DOCTOR_OK, "any amount"},
	};

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		put_limits("/proc/self/limits", ROWS[i].limit, "4096");
		look(doctor_memory);
		cr_assert_eq(found(ROWS[i].grade, ROWS[i].words), 1, "%s", ROWS[i].limit);
		cr_assert_eq(found(DOCTOR_OK, "kept out of core dumps"), 1);
	}
}

Test(doctor, memory_that_cannot_be_kept_out_of_dumps)
{
	no_dontdump = true;
	look(doctor_memory);
	no_dontdump = false;
	cr_assert_eq(found(DOCTOR_FAIL, "MADV_DONTDUMP"), 1);
	look(doctor_memory);
	cr_assert_eq(found(DOCTOR_FAIL, ""), 0);
}

#define HEADING "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

Test(doctor, swap_that_is_not_encrypted)
{
	char target[256];

	put("/proc/swaps", HEADING);
	look(doctor_swap);
	assert_only(DOCTOR_OK, "no swap");
	put("/proc/swaps", HEADING "/dev/sda2                               partition\t1999868\t0\t-2\n");
	look(doctor_swap);
	assert_only(DOCTOR_WARN, "/dev/sda2 is not encrypted");
	put("/proc/swaps", HEADING "/dev/zram0 partition\t1999868\t0\t100\n/swapfile file\t1\t0\t-2\n");
	look(doctor_swap);
	cr_assert_eq(doctor.count, 2);
	cr_assert_eq(found(DOCTOR_OK, "/dev/zram0"), 1);
	cr_assert_eq(found(DOCTOR_WARN, "/swapfile is not encrypted"), 1);

	put("/proc/swaps", HEADING "/dev/dm-1 partition\t1999868\t0\t-2\n");
	put("/sys/block/dm-1/dm/uuid", "LVM-abcdef\n");
	look(doctor_swap);
	assert_only(DOCTOR_WARN, "/dev/dm-1");
	put("/sys/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n");
	look(doctor_swap);
	assert_only(DOCTOR_OK, "/dev/dm-1");

	put("/dev/mapper/keep", "");
	snprintf(target, sizeof(target), "%s/dev/mapper/swap", root);
	cr_assert_eq(symlink("../dm-1", target), 0);
	put("/proc/swaps", HEADING "/dev/mapper/swap partition\t1999868\t0\t-2\n");
	look(doctor_swap);
	assert_only(DOCTOR_OK, "/dev/mapper/swap is encrypted");
}

Test(doctor, what_other_processes_may_do)
{
	put("/proc/sys/kernel/yama/ptrace_scope", "0\n");
	put("/proc/sys/kernel/core_pattern", "/var/crash/core.%p\n");
	look(doctor_tracing);
	cr_assert_eq(found(DOCTOR_NOTE, "may trace others"), 1);
	cr_assert_eq(found(DOCTOR_NOTE, "/var/crash/core.%p"), 1);
	put("/proc/sys/kernel/yama/ptrace_scope", "1\n");
	put("/proc/sys/kernel/core_pattern", "|/lib/systemd/systemd-coredump %P\n");
	look(doctor_tracing);
	cr_assert_eq(found(DOCTOR_NOTE, ""), 0);
	cr_assert_eq(found(DOCTOR_OK, ""), 2);
}

Test(doctor, a_server_is_known_by_the_lock_that_it_holds)
{
	struct stat file;
	char path[128], locks[512];

	look(doctor_server);
	assert_only(DOCTOR_OK, "none is seen");
	snprintf(path, sizeof(path), "%s/coffer.db.lock", data);
	put("/data/coffer.db.lock", "");
	cr_assert_eq(stat(path, &file), 0);
	snprintf(locks, sizeof(locks),
		 "1: POSIX  ADVISORY  WRITE 11 %02x:%02x:%lu 0 EOF\n2: FLOCK  ADVISORY  WRITE 12 %02x:%02x:%lu 0 EOF\n"
		 "3: FLOCK  ADVISORY  WRITE 4711 %02x:%02x:%lu 0 EOF\n",
		 major(file.st_dev), minor(file.st_dev), file.st_ino, major(file.st_dev), minor(file.st_dev),
		 file.st_ino + 1, major(file.st_dev), minor(file.st_dev), file.st_ino);
	put("/proc/locks", locks);
	look(doctor_server);
	assert_only(DOCTOR_OK, "process 4711");
	cr_assert_eq(doctor.server, 4711);
}

Test(doctor, file_systems_that_lose_what_they_are_given)
{
	static const struct {
		unsigned long magic;
		enum doctor_grade grade;
		const char *words;
	} ROWS[] = {
		{EXT4_SUPER_MAGIC, DOCTOR_OK, "local"},
		{XFS_SUPER_MAGIC, DOCTOR_OK, "local"},
		{BTRFS_SUPER_MAGIC, DOCTOR_OK, "local"},
		{NFS_SUPER_MAGIC, DOCTOR_FAIL, "NFS"},
		{CIFS_SUPER_MAGIC, DOCTOR_FAIL, "SMB"},
		{SMB2_SUPER_MAGIC, DOCTOR_FAIL, "SMB"},
		{V9FS_MAGIC, DOCTOR_FAIL, "9p"},
		{MSDOS_SUPER_MAGIC, DOCTOR_FAIL, "FAT"},
		{FUSE_SUPER_MAGIC, DOCTOR_WARN, "FUSE"},
		{TMPFS_MAGIC, DOCTOR_WARN, "tmpfs"},
		{OVERLAYFS_SUPER_MAGIC, DOCTOR_WARN, "over"},
		{CEPH_SUPER_MAGIC, DOCTOR_WARN, "Ceph"},
	};

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		doctor_done(&doctor);
		doctor_judge_filesystem(&doctor, ROWS[i].magic);
		assert_only(ROWS[i].grade, ROWS[i].words);
	}
}

Test(doctor, a_library_that_is_older_than_the_one_built_with)
{
	static const struct {
		const char *built, *runs;
		enum doctor_grade grade;
	} ROWS[] = {
		{"3.40.1", "3.40.1", DOCTOR_OK},    {"3.40.1", "3.46.0", DOCTOR_OK}, {"3.40.1", "3.40", DOCTOR_WARN},
		{"3.40.1", "3.9.9", DOCTOR_WARN},   {"3.8", "3.10", DOCTOR_OK},	     {"1.0.1", "0.9.75", DOCTOR_WARN},
		{"7.88.1", "8.5.0-DEV", DOCTOR_OK},
	};

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		doctor_done(&doctor);
		doctor_judge_version(&doctor, "SQLite", ROWS[i].built, ROWS[i].runs);
		assert_only(ROWS[i].grade, ROWS[i].runs);
	}
}

Test(doctor, the_worst_finding_and_the_sum_are_told)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cr_assert_eq(doctor_worst(&doctor), DOCTOR_OK);
	doctor_tell(&doctor, DOCTOR_OK, NULL, "all is %s", "well");
	doctor_tell(&doctor, DOCTOR_WARN, "mend it", "one thing is not");
	doctor_tell(&doctor, DOCTOR_NOTE, "see to it", "another is so so");
	cr_assert_eq(doctor_worst(&doctor), DOCTOR_WARN);
	doctor_print(&doctor, out);
	doctor_print_json(&doctor, out);
	cr_assert_eq(fclose(out), 0);
	cr_assert_str_eq(text,
			 "OK    test           all is well\n"
			 "WARN  test           one thing is not; mend it\n"
			 "NOTE  test           another is so so; see to it\n"
			 "1 ok, 1 notes, 1 warnings, 0 failures\n"
			 "{\"worst\":\"warn\",\"findings\":[{\"check\":\"test\",\"grade\":\"ok\",\"text\":\"all is "
			 "well\"},{\"check\":\"test\",\"grade\":\"warn\",\"text\":\"one thing is "
			 "not\",\"advice\":\"mend it\"},{\"check\":\"test\",\"grade\":\"note\",\"text\":\"another "
			 "is so so\",\"advice\":\"see to it\"}]}\n");
	free(text);
}
