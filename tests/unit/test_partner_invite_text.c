#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/partner/invite_text.h"

#define CA     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SECRET "AAAAAAAAAAAAAAAAAAAA-BBBBBBBBBBBBBBBBBB_CCC"
#define MEMBERS(origin, ca, name, role, secret)                                               \
	"{\"origin\":\"" origin "\",\"ca\":\"" ca "\",\"name\":\"" name "\",\"role\":\"" role \
	"\",\"secret\":\"" secret "\"}"

static const char WHOLE[] = MEMBERS("https://[::1]:8443", CA, "Bob", "partner", SECRET);

static const char *make(const char *members)
{
	static char text[4096];

	strcpy(text, "coffer-invite-v1.");
	encode_base64url(members, strlen(members), text + strlen(text));
	return text;
}

static bool refused(const char *text)
{
	struct invite_text invite, before;
	struct complaint complaint = {""};

	memset(&invite, 0x5a, sizeof(invite));
	before = invite;
	return !invite_text_read(text, &invite, &complaint) && complaint.text[0] &&
	       memcmp(&invite, &before, sizeof(invite)) == 0;
}

Test(partner_invite_text, says_server_ca_name_and_secret)
{
	struct invite_text invite;
	struct complaint complaint = {""};
	char text[4096], hex[2 * DIGEST_SIZE + 1];

	snprintf(text, sizeof(text), " \r\n\t%s\n", make(WHOLE));
	cr_assert(invite_text_read(text, &invite, &complaint), "%s", complaint.text);
	encode_hex(invite.ca, sizeof(invite.ca), hex);
	cr_expect_str_eq(invite.origin, "https://[::1]:8443");
	cr_expect(invite.has_ca);
	cr_expect_str_eq(hex, CA);
	cr_expect_str_eq(invite.name, "bob");
	cr_expect_str_eq(invite.secret, SECRET);
}

Test(partner_invite_text, without_a_ca_it_means_those_of_the_system)
{
	struct invite_text invite;
	struct complaint complaint = {""};

	cr_assert(invite_text_read(make(MEMBERS("https://a.example", "", "bob", "partner", SECRET)), &invite,
				   &complaint));
	cr_expect_not(invite.has_ca);
}

Test(partner_invite_text, every_other_text_is_refused)
{
	static const char *const WRONG[] = {
		"",
		"{}",
		"[]",
		"null",
		"{",
		MEMBERS("http://a.example", CA, "bob", "partner", SECRET),
		MEMBERS("https://", CA, "bob", "partner", SECRET),
		MEMBERS("https://a/b", CA, "bob", "partner", SECRET),
		MEMBERS("https://me@a", CA, "bob", "partner", SECRET),
		MEMBERS("https://a\\nb", CA, "bob", "partner", SECRET),
		MEMBERS("https://a\\u001b[2J", CA, "bob", "partner", SECRET),
		MEMBERS("https://a", CA "0", "bob", "partner", SECRET),
		MEMBERS("https://a", "0", "bob", "partner", SECRET),
		MEMBERS("https://a", CA, "", "partner", SECRET),
		MEMBERS("https://a", CA, "../bob", "partner", SECRET),
		MEMBERS("https://a", CA, "bob", "administrator", SECRET),
		MEMBERS("https://a", CA, "bob", "partner", SECRET "C"),
		MEMBERS("https://a", CA, "bob", "partner", "AAAA"),
		MEMBERS("https://a", CA, "bob", "partner", "AAAAAAAAAAAAAAAAAAAA\\r\\nBBBBBBBBBBBBBBBBBBCCC"),
		MEMBERS("https://a", CA, "bob", "partner", SECRET "\",\"more\":\""),
		MEMBERS("https://a", CA, "bob", "partner", SECRET "\",\"name\":\"eve"),
	};

	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
		cr_expect(refused(make(WRONG[i])), "%s", WRONG[i]);
	cr_expect(refused(""));
	cr_expect(refused("coffer-invite-v2.e30"));
	cr_expect(refused(WHOLE));
}

Test(partner_invite_text, none_is_read_that_is_cut_short_or_goes_on)
{
	char text[4096], cut[4096];

	strcpy(text, make(WHOLE));
	for (size_t i = 0; i < strlen(text); i++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)i, text);
		cr_expect(refused(cut), "%zu", i);
	}
	strcat(text, "A");
	cr_expect(refused(text));
}

Test(partner_invite_text, one_too_long_is_refused)
{
	char members[3000];

	memset(members, ' ', sizeof(members));
	memcpy(members, WHOLE, sizeof(WHOLE) - 1);
	members[sizeof(members) - 1] = '\0';
	cr_expect(refused(make(members)));
}
