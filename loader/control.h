/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What other programs notice: a line of JSON comes over a unix socket, and one goes back. An optical
 * alarm, a routing daemon or a person says that a link failed, and the node acts as if it had seen
 * that itself. Only the user that the node runs as can open the socket (0600).
 *
 *	{"link": "eth1", "event": "failure", "cause": "errors"}
 *	{"ok": true}
 *	{"ok": false, "error": "no core port is called \"eth9\"; there are eth1, eth2"}
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>

#include "fantel/abi.h"
#include "pin.h"

/* One report, checked but for what only the node knows. */
struct report {
	char link[16];
	enum kind kind;
	enum wire_cause cause; /* CAUSE_NONE with what is over */
};

#define CONTROL_ERROR 512 /* bytes of a sentence */

/* Do what is reported. Returns 0, or writes to `error` why not. */
typedef int control_fn(void *arg, const struct report *report, char error[CONTROL_ERROR]);

/*
 * Take a line apart, and check it: pure. Unknown members, kinds and causes are errors. Returns 0 or
 * -EINVAL with a sentence in `error`.
 */
int control_parse(struct report *report, const char *line, size_t len, char error[CONTROL_ERROR]);

struct control;

/* Listen for the node at `pins`. Returns 0 or a negative errno, reported. */
int control_open(struct control **control, const struct pins *pins, control_fn *fn, void *arg);
void control_close(struct control *control);

/* Readable when control_poll has something to do. */
int control_fd(const struct control *control);
void control_poll(struct control *control);

/* The socket's path; `path` has room for a sun_path. Returns 0 or -ENAMETOOLONG. */
#define CONTROL_PATH 108
int control_path(char path[CONTROL_PATH], const struct pins *pins);

#endif
