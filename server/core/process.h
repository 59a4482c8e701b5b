/* What the kernel tells of this process. */
#ifndef COFFER_CORE_PROCESS_H
#define COFFER_CORE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process_figures {
	double cpu_seconds;   /* user and system */
	double start_seconds; /* Unix time; 0: not known */
	uint64_t virtual_bytes, resident_bytes;
	uint64_t open_files;
	uint64_t most_files; /* RLIMIT_NOFILE */
	uint64_t threads;
};

/* False when /proc is not there, or is not what it should be. */
__attribute__((warn_unused_result)) bool process_look(struct process_figures *ret_figures);
/* The text of /proc/self/stat; `ticks` a second; start_seconds is since boot. */
__attribute__((warn_unused_result)) bool process_parse(const char *stat, long ticks, long page_size,
						       struct process_figures *ret_figures);

#endif
