// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See keys.h. Pure but for keys_read and the clock. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "fantel/mac.h"
#include "own.h"
#include "wire_options.h"
#include "words.h"

#define FILE_MAX (1 << 20) /* bytes of a key file; more must be a mistake */
#define FIELDS 5
#define NEVER (~0ULL)

struct parser {
	struct keys keys;
	const char *name;
	FILE *errors;
	int n_errors;
	unsigned int line;
};

static void __attribute__((format(printf, 2, 3))) wrong(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	fprintf(p->errors, "%s:%u: ", p->name, p->line);
	va_start(ap, fmt);
	vfprintf(p->errors, fmt, ap);
	va_end(ap);
	fputc('\n', p->errors);
	p->n_errors++;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static bool take_id(struct parser *p, __u32 *id, const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	*id = value;
	if (strspn(text, "0123456789") && !*end && !errno && value <= 0xffffffff)
		return true;
	wrong(p, "the first field is no key-id; give a number from 0 to 4294967295");
	return false;
}

/* `-' leaves *ns alone. */
static bool take_time(struct parser *p, __u64 *ns, const char *text, const char *field)
{
	struct tm tm = {};
	char again[32] = "";
	const char *end;
	time_t seconds;

	if (!strcmp(text, "-"))
		return true;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	seconds = timegm(&tm);
	/* What the calendar does not have comes back as another day. */
	if (end && !*end && seconds >= 0 && tm.tm_year < 400 &&
	    strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm)) &&
	    !strcmp(again, text)) {
		*ns = seconds * NSEC_PER_SEC;
		return true;
	}
	wrong(p, "`%s' is no time in UTC; give one such as 2026-07-01T00:00:00Z, or -", field);
	return false;
}

static bool take_secret(struct parser *p, struct mac_key *mac, enum wire_auth algorithm,
			const char *text)
{
	__u8 secret[WIRE_HMAC_KEY_MAX];
	const char *bad;
	int n = hex_read(secret, sizeof(secret), text, &bad);
	bool right = false;

	if (n == -1)
		wrong(p, "the key is not pairs of hex digits");
	else if (algorithm == AUTH_SIPHASH && n != WIRE_SIPHASH_KEY)
		wrong(p, "the key does not fit siphash-2-4-128; give %d bytes in hex",
		      WIRE_SIPHASH_KEY);
	else if (n < WIRE_HMAC_KEY_MIN)
		wrong(p, "the key does not fit hmac-sha-256-128; give %d to %d bytes in hex",
		      WIRE_HMAC_KEY_MIN, WIRE_HMAC_KEY_MAX);
	else
		right = mac_key_init(mac, algorithm, secret, n) == 0;
	explicit_bzero(secret, sizeof(secret));
	return right;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Cut a line into its fields. Returns how many there are, also where they are too many. */
static int split(char *line, char *field[FIELDS])
{
	static const char blank[] = " \t\r";
	int n = 0;

	line[strcspn(line, "#")] = '\0';
	for (char *next; (next = strsep(&line, blank));)
		if (*next && n++ < FIELDS)
			field[n - 1] = next;
	return n;
}

static void take_line(struct parser *p, char *line)
{
	struct keys_entry entry = { .key.until_ns = NEVER };
	char *field[FIELDS];
	int n = split(line, field), algorithm;
	bool right;

	if (!n)
		return;
	if (n != FIELDS) {
		wrong(p, "%d fields; give five: key-id, algorithm, from, until, key", n);
		return;
	}
	/* Each of them, so that one run finds all that is wrong. */
	right = take_id(p, &entry.id, field[0]);
	algorithm = auth_from_word(field[1]);
	if (algorithm < 0)
		wrong(p, "the algorithm is neither siphash-2-4-128 nor hmac-sha-256-128");
	right &= take_time(p, &entry.key.from_ns, field[2], "from");
	right &= take_time(p, &entry.key.until_ns, field[3], "until");
	right &= algorithm > 0 && take_secret(p, &entry.key.mac, algorithm, field[4]);
	if (!right)
		return;
	if (entry.key.until_ns <= entry.key.from_ns)
		wrong(p, "key %u is never active: `until' is not after `from'", entry.id);
	if (keys_find(&p->keys, entry.id))
		wrong(p, "a second key %u; give each its own key-id", entry.id);
	else if (p->keys.n == MAX_KEYS)
		wrong(p, "more than %d keys; take out what has expired", MAX_KEYS);
	else
		p->keys.entry[p->keys.n++] = entry;
	explicit_bzero(&entry, sizeof(entry));
}

static int by_id(const void *a, const void *b)
{
	__u32 x = ((const struct keys_entry *)a)->id, y = ((const struct keys_entry *)b)->id;

	return x < y ? -1 : x > y;
}

int keys_parse(struct keys *keys, const char *name, char *text, FILE *errors)
{
	struct parser p = { .name = name, .errors = errors };

	p.keys.entry = calloc(MAX_KEYS, sizeof(*p.keys.entry));
	if (!p.keys.entry) {
		fprintf(errors, "%s: no memory left to read it\n", name);
		return -ENOMEM;
	}
	for (char *line; (line = strsep(&text, "\n")) && p.n_errors < 100;) {
		p.line++;
		take_line(&p, line);
	}
	if (!p.keys.n && !p.n_errors)
		wrong(&p, "there is no key; give lines of key-id, algorithm, from, until, key");
	if (p.n_errors) {
		keys_free(&p.keys);
		return p.n_errors;
	}
	qsort(p.keys.entry, p.keys.n, sizeof(*p.keys.entry), by_id);
	*keys = p.keys;
	return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Whoever can write it can forge, and whoever can read it too. */
static int check_owner(int fd, const char *file, FILE *errors)
{
	struct stat st;

	if (fstat(fd, &st)) {
		fprintf(errors, "%s: %s\n", file, strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		fprintf(errors, "%s: is no file; give a file of keys\n", file);
		return -EINVAL;
	}
	if (st.st_uid && st.st_uid != geteuid()) {
		fprintf(errors, "%s: belongs to user %u, who could forge with it; `chown root`\n",
			file, st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & 07177) {
		fprintf(errors, "%s: has mode %04o, and holds secrets; `chmod 600`\n", file,
			st.st_mode & 07777);
		return -EPERM;
	}
	if (st.st_size > FILE_MAX) {
		fprintf(errors, "%s: %s; give a file of keys\n", file, strerror(EFBIG));
		return -EFBIG;
	}
	return 0;
}

static int read_text(int fd, char *text, size_t room)
{
	size_t size = 0;
	ssize_t n = 0;

	while (size < room && (n = read(fd, text + size, room - size)) > 0)
		size += n;
	if (n < 0)
		return -errno;
	if (size == room)
		return -EFBIG;
	text[size] = '\0';
	return strlen(text) == size ? 0 : -EILSEQ;
}

int keys_read(struct keys *keys, const char *file, FILE *errors)
{
	/* A pipe would wait for its writer. */
	int fd OWN_FD = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text OWN_MEM = NULL;
	int r;

	if (fd < 0) {
		r = -errno;
		fprintf(errors, "%s: %s; give a file of keys that can be read\n", file, strerror(-r));
		return r;
	}
	r = check_owner(fd, file, errors);
	if (r)
		return r;
	text = malloc(FILE_MAX + 2);
	r = text ? read_text(fd, text, FILE_MAX + 2) : -ENOMEM;
	if (r)
		fprintf(errors, "%s: %s\n", file,
			r == -EILSEQ ? "holds a zero byte, so it is no text" : strerror(-r));
	else
		r = keys_parse(keys, file, text, errors);
	if (text)
		explicit_bzero(text, FILE_MAX + 2);
	return r;
}

void keys_free(struct keys *keys)
{
	if (keys->entry)
		explicit_bzero(keys->entry, MAX_KEYS * sizeof(*keys->entry));
	free(keys->entry);
	*keys = (struct keys){};
}

const struct keys_entry *keys_find(const struct keys *keys, __u32 id)
{
	for (__u32 i = 0; i < keys->n; i++)
		if (keys->entry[i].id == id)
			return &keys->entry[i];
	return NULL;
}

/* ---- times ----------------------------------------------------------------------------------- */

static __u64 on_tai(__u64 ns, int tai_s)
{
	return ns && ns != NEVER ? ns + tai_s * NSEC_PER_SEC : ns;
}

struct key keys_on_tai(const struct keys_entry *entry, int tai_s)
{
	struct key key = entry->key;

	key.from_ns = on_tai(key.from_ns, tai_s);
	key.until_ns = on_tai(key.until_ns, tai_s);
	return key;
}

int keys_tai_offset(void)
{
	struct timex timex = {};

	return adjtimex(&timex) < 0 ? 0 : timex.tai;
}
