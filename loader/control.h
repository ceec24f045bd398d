/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What other programs notice: a line of JSON comes over a unix socket, and one goes back. An optical
 * alarm, a routing daemon or a person says that a link failed, and the node acts as if it had seen
 * that itself. Only the user that the node runs as can open the socket (0600).
 *
 *	{"link": "eth1", "event": "failure", "cause": "errors"}
 *	{"ok": true}
 *	{"ok": false, "error": "no core port is called \"eth9\"; there are eth1, eth2"}
 *
 * By the same socket an operator gives another policy. Texts, which may be long, go beside the line, as
 * file descriptors:
 *
 *	{"policy": "apply", "file": "/etc/fantel/new.json", "confirm": 60}	a policy's text
 *	{"ok": true, "changed": true, "confirm": 60, "said": []}
 *	{"policy": "show"}
 *	{"ok": true, "file": "/etc/fantel/policy.json", "confirm": null}	the policy in force, as JSON
 *	{"policy": "confirm"}
 *	{"ok": true}
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

/* What is to become of the policy. */
enum order_kind {
	ORDER_SHOW,
	ORDER_APPLY,
	ORDER_CONFIRM,
};

#define CONFIRM_MAX_S 86400
struct order {
	enum order_kind kind;
	char file[4096]; /* what messages call it */
	__u32 confirm_s; /* go back unless it is confirmed within that time; 0 = it is here to stay */
	int fd;		 /* of its text; -1 = none was sent */
	__u64 client;	 /* who waits for the answer */
};

#define CONTROL_ERROR 512 /* bytes of a sentence */

/* Do what is reported. Returns 0, or writes to `error` why not. */
typedef int control_fn(void *arg, const struct report *report, char error[CONTROL_ERROR]);

/* Follow an order, and answer with control_answer, at once or later. Takes order->fd. */
typedef void control_order_fn(void *arg, struct order *order);

/*
 * Take a line apart, and check it: pure. Unknown members, kinds and causes are errors. Returns 0 or
 * -EINVAL with a sentence in `error`.
 */
int control_parse(struct report *report, const char *line, size_t len, char error[CONTROL_ERROR]);

/* The same of a line that is an order: 1. 0: it is none. */
int control_parse_order(struct order *order, const char *line, size_t len,
			char error[CONTROL_ERROR]);

struct control;

/* Listen for the node at `pins`. Returns 0 or a negative errno, reported. */
int control_open(struct control **control, const struct pins *pins, control_fn *fn,
		 control_order_fn *order, void *arg);
void control_close(struct control *control);

/* What a loader that was killed has left there; of a node that is locked. */
void control_remove(const struct pins *pins);

/* Readable when control_poll has something to do. */
int control_fd(const struct control *control);
void control_poll(struct control *control);

/* Answer an order: `answer`, taken over, and beside it `fd`, which stays the caller's; -1 = none. Nobody
 * is told where the client has left. */
void control_answer(struct control *control, __u64 client, json_t *answer, int fd);

/* Send a line, whose end is added, and beside it `fd`; -1 = none. Either side. Returns 0 or a negative
 * errno. */
int control_send(int to, const char *line, int fd);

/* The socket's path; `path` has room for a sun_path. Returns 0 or -ENAMETOOLONG. */
#define CONTROL_PATH 108
int control_path(char path[CONTROL_PATH], const struct pins *pins);

#endif
