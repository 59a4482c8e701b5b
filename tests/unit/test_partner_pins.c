#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/partner/pins.h"
#include "tests/unit/support/partners.h"

static char dir[64], file[160];
static struct profile profile;
static struct complaint complaint;

static void setup(void)
{
	umask(022);
	fixture_directory(dir, sizeof(dir));
	cr_assert(profile_open(dir, true, &profile, &complaint), "%s", complaint.text);
	snprintf(file, sizeof(file), "%s/partners/bob.json", dir);
}

static void teardown(void)
{
	fixture_remove(dir);
}

TestSuite(partner_pins, .init = setup, .fini = teardown, .timeout = 60);

static void put(unsigned key, bool verified)
{
	cr_assert(pin_put(&profile, "bob", rsakey_private_public(partners_key(key)), verified, &complaint), "%s",
		  complaint.text);
}

static void expect(unsigned key, bool verified)
{
	struct pin pin = {.key = NULL};
	uint8_t wanted[DIGEST_SIZE], held[DIGEST_SIZE];

	partners_fingerprint(partners_key(key), wanted);
	cr_assert_eq(pin_find(&profile, "bob", &pin, &complaint), STATE_FOUND, "%s", complaint.text);
	cr_expect_arr_eq(pin.fingerprint, wanted, sizeof(wanted));
	rsakey_public_id(pin.key, held);
	cr_expect_arr_eq(held, wanted, sizeof(wanted));
	cr_expect_eq(pin.verified, verified);
	pin_done(&pin);
	cr_expect_null(pin.key);
}

static void expect_broken(const char *what)
{
	struct pin pin = {.key = NULL};

	complaint.text[0] = '\0';
	cr_expect_eq(pin_find(&profile, "bob", &pin, &complaint), STATE_BROKEN, "%s", what);
	cr_expect_null(pin.key, "%s", what);
	cr_expect(strstr(complaint.text, file), "%s: %s", what, complaint.text);
}

Test(partner_pins, nobody_is_known_at_first)
{
	struct pin pin;

	cr_expect_eq(pin_find(&profile, "bob", &pin, &complaint), STATE_ABSENT);
}

Test(partner_pins, a_key_is_kept_and_whether_it_was_compared)
{
	struct stat st;

	put(0, false);
	expect(0, false);
	put(0, true);
	expect(0, true);
	cr_assert_eq(stat(file, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(partner_pins, another_takes_its_place_only_when_put)
{
	put(0, true);
	put(1, false);
	expect(1, false);
}

Test(partner_pins, names_do_not_share_one)
{
	struct pin pin;

	put(0, false);
	cr_expect_eq(pin_find(&profile, "bo", &pin, &complaint), STATE_ABSENT);
	cr_expect_eq(pin_find(&profile, "bob.json", &pin, &complaint), STATE_ABSENT);
}

Test(partner_pins, a_file_that_others_may_write_is_not_believed)
{
	put(0, true);
	cr_assert_eq(chmod(file, 0666), 0);
	expect_broken("mode");
}

Test(partner_pins, a_damaged_one_is_no_unknown_partner)
{
	char text[4096];
	size_t size;
	FILE *stream;

	put(0, true);
	stream = fopen(file, "r");
	cr_assert_not_null(stream);
	size = fread(text, 1, sizeof(text), stream);
	fclose(stream);
	for (size_t i = 0; i < size; i++) {
		stream = fopen(file, "w");
		cr_assert_not_null(stream);
		fwrite(text, 1, i, stream);
		fclose(stream);
		expect_broken("cut short");
	}
	*strstr(text, "fingerprint\":\"") ^= 1;
	stream = fopen(file, "w");
	cr_assert_not_null(stream);
	fwrite(text, 1, size, stream);
	fclose(stream);
	expect_broken("no fingerprint");
}

Test(partner_pins, key_and_fingerprint_must_fit)
{
	char text[4096];
	char *digit;
	size_t size;
	FILE *stream;

	put(0, true);
	stream = fopen(file, "r+");
	cr_assert_not_null(stream);
	size = fread(text, 1, sizeof(text) - 1, stream);
	text[size] = '\0';
	digit = strstr(text, "\"fingerprint\":\"") + strlen("\"fingerprint\":\"");
	*digit = *digit == '0' ? '1' : '0';
	rewind(stream);
	fwrite(text, 1, size, stream);
	fclose(stream);
	expect_broken("another fingerprint");
}
