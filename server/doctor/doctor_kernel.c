/* Limits and features of the kernel that the service leans on. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/core/human.h"
#include "server/doctor/doctor.h"

#define UNLIMITED UINT64_MAX

/* ---- limits ---- */

/* The soft and the hard limit of the server, or of this process. False when the kernel does not tell. */
static bool find_limit(const struct doctor *doctor, const char *name, uint64_t *ret_soft, uint64_t *ret_hard)
{
	char path[64], text[4096], soft[24], hard[24];
	const char *line;

	if (doctor->server)
		snprintf(path, sizeof(path), "/proc/%ld/limits", doctor->server);
	else
		snprintf(path, sizeof(path), "/proc/self/limits");
	if (!doctor_read(doctor, path, text, sizeof(text)) || !(line = strstr(text, name)) ||
	    sscanf(line + strlen(name), "%23s %23s", soft, hard) != 2)
		return false;
	*ret_soft = isdigit((unsigned char)soft[0]) ? strtoull(soft, NULL, 10) : UNLIMITED;
	*ret_hard = isdigit((unsigned char)hard[0]) ? strtoull(hard, NULL, 10) : UNLIMITED;
	return true;
}

/* As many as admission.c admits and still answers, those being drained, and the service's own. */
static uint64_t descriptors_needed(const struct settings *settings)
{
	enum { LEAST_OVER = 1024, DRAINED = 1024, OWN = 256 };
	const unsigned quarter = settings->max_connections / 4;

	return settings->max_connections + (quarter > LEAST_OVER ? quarter : LEAST_OVER) + DRAINED + OWN;
}

void doctor_descriptors(struct doctor *doctor)
{
	const uint64_t needed = descriptors_needed(doctor->settings);
	uint64_t soft, hard;

	if (!find_limit(doctor, "Max open files", &soft, &hard))
		return;
	/* The server raises its own to the hard limit. */
	if (hard < needed)
		doctor_tell(doctor, DOCTOR_WARN, "raise the limit (LimitNOFILE=), or lower --max-connections",
			    "%" PRIu64 " files may be open, and --max-connections %u may take %" PRIu64, hard,
			    doctor->settings->max_connections, needed);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "enough files may be open for %u connections",
			    doctor->settings->max_connections);
}

/* ---- memory ---- */

/* Keys take some 16 KiB; each of 4,096 epoch keys that old records may need, 440 bytes more. */
enum { LOCK_LEAST = 64 * 1024, LOCK_WANTED = 2 * 1024 * 1024 };

static void judge_lock_limit(struct doctor *doctor)
{
	uint64_t soft, hard;
	char text[HUMAN_TEXT_MAX];

	/* Root's may be passed. */
	if (!find_limit(doctor, "Max locked memory", &soft, &hard))
		return;
	human_bytes(soft, text);
	if (soft < LOCK_LEAST)
		doctor_tell(doctor, DOCTOR_FAIL,
			    "raise the limit (LimitMEMLOCK=, ulimit -l, --ulimit memlock=): keys "
			    "must not be swapped",
			    "only %s of memory can be locked", text);
	else if (soft < LOCK_WANTED)
		doctor_tell(doctor, DOCTOR_NOTE, "2 MiB hold the epoch keys of eleven years",
			    "%s of memory can be locked", text);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "%s of memory can be locked",
			    soft == UNLIMITED ? "any amount" : text);
}

void doctor_memory(struct doctor *doctor)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	judge_lock_limit(doctor);
	if (page == MAP_FAILED)
		return;
	if (mlock(page, size) != 0)
		doctor_tell(doctor, DOCTOR_FAIL, "allow mlock: coffer does not start without",
			    "memory cannot be locked here");
	else if (madvise(page, size, MADV_DONTDUMP) != 0)
		doctor_tell(doctor, DOCTOR_FAIL, "coffer does not start without: use a kernel that has it",
			    "memory cannot be kept out of core dumps (MADV_DONTDUMP)");
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "memory can be locked, and kept out of core dumps");
	munmap(page, size);
}

/* ---- swap: keys are locked, what is decrypted for a moment is not ---- */

/* A device of dm-crypt; or one of compressed memory, which is no disk. */
static bool is_safe_swap(const struct doctor *doctor, const char *device)
{
	const char *name = strrchr(device, '/');
	char path[300], uuid[16];

	name = name ? name + 1 : device;
	if (strncmp(name, "zram", 4) == 0)
		return true;
	if (strncmp(name, "dm-", 3) != 0 ||
	    snprintf(path, sizeof(path), "/sys/block/%s/dm/uuid", name) >= (int)sizeof(path))
		return false;
	return doctor_read(doctor, path, uuid, sizeof(uuid)) && strncmp(uuid, "CRYPT-", 6) == 0;
}

/* A name of /dev/mapper is a link to the device of that number. */
static void resolve(const struct doctor *doctor, char device[static 256])
{
	char link[512], target[256];
	ssize_t size;

	snprintf(link, sizeof(link), "%s%s", doctor->root, device);
	size = readlink(link, target, sizeof(target) - 1);
	if (size <= 0)
		return;
	target[size] = '\0';
	snprintf(device, 256, "%s", target);
}

void doctor_swap(struct doctor *doctor)
{
	char text[8192], device[256], shown[256];
	const char *line;
	size_t used = 0;

	if (!doctor_read(doctor, "/proc/swaps", text, sizeof(text)))
		return;
	line = text + strcspn(text, "\n"); /* the heading */
	for (line += *line == '\n'; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (sscanf(line, "%255s", device) != 1)
			continue;
		used++;
		memcpy(shown, device, sizeof(shown));
		resolve(doctor, device);
		if (!is_safe_swap(doctor, device))
			doctor_tell(doctor, DOCTOR_WARN,
				    "encrypt it, or turn it off (swapoff): records are in memory while they are read",
				    "swap on %s is not encrypted", shown);
		else
			doctor_tell(doctor, DOCTOR_OK, NULL, "swap on %s is encrypted, or memory itself", shown);
	}
	if (used == 0)
		doctor_tell(doctor, DOCTOR_OK, NULL, "there is no swap");
}

/* ---- other processes ---- */

/* coffer forbids both to itself (PR_SET_DUMPABLE); this is about what handles its data beside it. */
void doctor_tracing(struct doctor *doctor)
{
	char text[512];

	if (!doctor_read(doctor, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) || text[0] == '0')
		doctor_tell(doctor, DOCTOR_NOTE, "sysctl kernel.yama.ptrace_scope=1 hardens what runs beside it",
			    "programs may trace others of their user, though not coffer");
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "programs may not trace others (yama)");
	if (!doctor_read(doctor, "/proc/sys/kernel/core_pattern", text, sizeof(text)))
		return;
	text[strcspn(text, "\n")] = '\0';
	if (text[0] != '|' && strchr(text, '/'))
		doctor_tell(doctor, DOCTOR_NOTE, "coffer dumps none; see that what handles its data beside it does not",
			    "core dumps are written to %.200s", text);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "coffer dumps no core, whatever kernel.core_pattern says");
}
