/* Settings that contradict each other, or open more than may be meant. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/doctor/doctor.h"
#include "server/http/http.h"
#include "server/service/front.h"

/* ---- contradictions ---- */

void doctor_configuration(struct doctor *doctor)
{
	const struct settings *set = doctor->settings;
	const struct {
		bool found;
		enum doctor_grade grade;
		const char *text, *advice;
	} rules[] = {
		{set->client_crl[0] && !set->client_ca[0], DOCTOR_FAIL, "--client-crl is set, and --client-ca is not",
		 "coffer serve does not start so"},
		{set->domain[0] && strcmp(set->http_redirect, "off") == 0, DOCTOR_FAIL,
		 "--domain is set, and --http-redirect is off", "the CA asks for its proofs there: port 80"},
		{set->domain[0] && set->tls_cert[0], DOCTOR_FAIL, "--domain and --tls-cert are set",
		 "only one of them can bring the certificate"},
		{set->disk_reserve > set->disk_watermark, DOCTOR_WARN, "--disk-reserve is more than --disk-watermark",
		 "reads would be refused before writes are"},
		{set->ingest_only && (set->passphrase_file[0] || set->credential_file[0]), DOCTOR_WARN,
		 "--ingest-only never reads the private KEK, and something to unlock it is named",
		 "take the secret away from a node that has no use for it"},
		{set->http[0] && !set->trusted_proxy[0], DOCTOR_WARN, "--http is set, and --trusted-proxy is not",
		 "all clients share the proxy's limits, and its address in the audit log"},
		{set->login_idle > set->login_ttl, DOCTOR_NOTE, "--login-idle is more than --login-ttl",
		 "it has no effect so"},
		{!set->epoch_wraps, DOCTOR_NOTE, "--epoch-wraps is off",
		 "each read of a record takes an RSA operation"},
		{set->audit_checkpoint == 0, DOCTOR_NOTE, "--audit-checkpoint is 0",
		 "keep checkpoints in another way: without one a log that was cut off cannot be told"},
		{strcmp(set->access_log, "off") == 0, DOCTOR_NOTE, "--access-log is off",
		 "requests on no data are then noted nowhere"},
		{set->kek_bits < 3072, DOCTOR_NOTE, "--kek-bits is 2048", "new keys of 3072 bits last longer"},
	};
	char fault[DOCTOR_TEXT_MAX];
	const size_t before = doctor->count;

	if (!front_check(set, fault, sizeof(fault)))
		doctor_tell(doctor, DOCTOR_FAIL, "coffer serve does not start so", "%s", fault);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].found)
			doctor_tell(doctor, rules[i].grade, rules[i].advice, "%s", rules[i].text);
	if (doctor->count == before)
		doctor_tell(doctor, DOCTOR_OK, NULL, "no setting contradicts another");
}

/* ---- what others can reach ---- */

/* A list has an entry for everybody: ADDRESS/0. */
static bool trusts_everybody(const char *list)
{
	for (const char *at = list; (at = strstr(at, "/0")); at += 2)
		if (at[2] == ',' || at[2] == '\0')
			return true;
	return false;
}

void doctor_exposure(struct doctor *doctor)
{
	const struct settings *set = doctor->settings;
	const bool open = front_has_tls(set) && !http_plain_address(set->listen);
	const struct {
		bool found;
		enum doctor_grade grade;
		const char *text, *advice;
	} rules[] = {
		{trusts_everybody(set->trusted_proxy), DOCTOR_FAIL, "--trusted-proxy has everybody in it",
		 "anybody could choose the address that limits and the audit log go by: name the proxies"},
		{open && set->open_enrollment, DOCTOR_WARN, "--open-enrollment is on, and others reach the server",
		 "anybody takes a name there: coffer invite"},
		{open && set->failure_rate == 0, DOCTOR_WARN, "--failure-rate is 0, and others reach the server",
		 "nothing slows those who guess tokens"},
		{open && set->login_rate == 0, DOCTOR_WARN, "--login-rate is 0, and others reach the server",
		 "nothing slows those who begin logins"},
		{open && (set->body_rate == 0 || set->response_rate == 0), DOCTOR_WARN,
		 "--body-rate or --response-rate is 0, and others reach the server",
		 "slow clients keep their connections for ever"},
	};
	const size_t before = doctor->count;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].found)
			doctor_tell(doctor, rules[i].grade, rules[i].advice, "%s", rules[i].text);
	if (doctor->count > before)
		return;
	if (open)
		doctor_tell(doctor, DOCTOR_OK, NULL, "others reach the server at %s, within its limits", set->listen);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "only this machine reaches the server");
}

/* ---- the file ---- */

void doctor_config_file(struct doctor *doctor)
{
	const struct settings *set = doctor->settings;
	struct stat file, data;
	uid_t server = geteuid();

	if (!set->config || stat(set->config, &file) != 0)
		return;
	if (stat(set->data, &data) == 0)
		server = data.st_uid;
	if (file.st_mode & 022)
		doctor_tell(doctor, DOCTOR_FAIL, "chmod go-w it: whoever writes it decides what the server trusts",
			    "%s has mode %04o, so others can write it", set->config, file.st_mode & 07777u);
	else if (file.st_uid != 0 && file.st_uid != server)
		doctor_tell(doctor, DOCTOR_FAIL, "chown it to root: its owner decides what the server trusts",
			    "%s belongs to user %u", set->config, file.st_uid);
	else if (file.st_mode & 04 && (set->passphrase_file[0] || set->credential_file[0]))
		doctor_tell(doctor, DOCTOR_NOTE, "chmod 640 it, with the server's group",
			    "%s can be read by all, and says where a secret is kept", set->config);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "only its owner writes %s", set->config);
}
